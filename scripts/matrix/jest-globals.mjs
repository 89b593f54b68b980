/**
 * `@jest/globals` for a plain Node process: Jest's own runner, matchers and mocks, without Jest's module loader, so that
 * Node itself loads what is tested. What they cannot do without that loader fails at its first use.
 */
import { expect } from 'expect';
import { getState } from 'jest-circus';
import { ModuleMocker } from 'jest-mock';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from 'jest-circus';
export { expect };

const mocker = new ModuleMocker(globalThis);
const mocks = {
  fn: mocker.fn.bind(mocker),
  spyOn: mocker.spyOn.bind(mocker),
  replaceProperty: mocker.replaceProperty.bind(mocker),
  isMockFunction: mocker.isMockFunction.bind(mocker),
  clearAllMocks: () => mocker.clearAllMocks(),
  resetAllMocks: () => mocker.resetAllMocks(),
  restoreAllMocks: () => mocker.restoreAllMocks(),
  setTimeout: (/** @type {number} */ timeoutMs) => void (getState().testTimeout = timeoutMs),
};

/** @param {string} name */
const refuse = (name) => {
  throw new Error(`The version matrix runs without Jest's loader and does not support ${name} (scripts/matrix).`);
};
// Jest checks their counts at the end of a test, outside of what runs here: they would pass unchecked.
expect.assertions = () => refuse('expect.assertions');
expect.hasAssertions = () => refuse('expect.hasAssertions');

export const jest = new Proxy(mocks, {
  get: (known, name) => Reflect.get(known, name) ?? refuse(`jest.${String(name)}`),
});

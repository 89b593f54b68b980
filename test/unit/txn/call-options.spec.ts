import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
const fn = jest.fn<() => number>();

beforeEach(async () => {
  fn.mockReset().mockReturnValue(1);
  app = await new TxnWorld().process();
});

/** A call with options that no type admits, as they come from JavaScript. */
type Call = (options: never) => Promise<unknown>;

const CALLS: readonly (readonly [string, string, Call])[] = [
  ['run', 'a transaction', (options) => app.coordinator.run(options, fn)],
  ['runWithRetry', 'a transaction', (options) => app.coordinator.runWithRetry(options, fn)],
  ['retry of runWithRetry', 'retry', (retry) => app.coordinator.runWithRetry({ retry }, fn)],
  ['set', 'a write', (options) => app.cache.set('a', 1, options)],
  ['setMany', 'a write', (options) => app.cache.setMany({ a: 1 }, options)],
  ['update', 'a write', (options) => app.cache.update('a', fn, options)],
  ['getOrLoad', 'a load', (options) => app.cache.getOrLoad('a', fn, options)],
  ['compareAndSet', 'a write', (options) => app.versions.compareAndSet('a', 0, 1, options)],
];

describe.each(CALLS)('the options of %s', (_name, what, call) => {
  it.each([
    ['a misspelt name', { timeut: 5 }, "has no option 'timeut'; it has "],
    ['a number in their place', 1_000, 'takes an object of options, not number'],
    ['null', null, 'takes an object of options, not null'],
  ])('%s: refused before anything runs or is sent', async (_what, options, message) => {
    const refused = call(options as never);
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(refused).rejects.toThrow(`${what} ${message}`);
    expect([app.store.count(), fn.mock.calls]).toEqual([0, []]);
  });
});

it.each<[string, Call]>([
  ['an option of runWithRetry', (options) => app.coordinator.run(options, fn)],
  ['an option of decorators', (options) => app.coordinator.runWithRetry(options, fn)],
])('run and runWithRetry refuse %s', async (_what, call) => {
  const refused = call({ retry: {}, store: 'locks' } as never);
  await expect(refused).rejects.toThrow(/^a transaction has no option '(retry|store)'/);
  expect(fn).not.toHaveBeenCalled();
});

it('undefined in their place, and undefined options, are none', async () => {
  await app.cache.set('a', 1, undefined);
  await app.coordinator.runWithRetry({ retry: undefined, timeout: undefined } as never, fn);
  expect(await app.cache.get('a')).toBe(1);
});

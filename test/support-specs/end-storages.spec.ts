import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** What a storage gives a callback that was made inside of it: nothing once it has been ended. */
function kept(storage: AsyncLocalStorage<string>): () => string | undefined {
  return storage.run('kept', () => AsyncResource.bind(() => storage.getStore()));
}

let ofTheFile: () => string | undefined;

beforeAll(() => {
  ofTheFile = kept(new AsyncLocalStorage());
});

// Outside of every describe, where hooks of the set-up files would come first.
afterAll(() => {
  expect(ofTheFile()).toBe('kept');
});

describe('the storages of a test file', () => {
  it('live as long as the file', () => {
    expect(ofTheFile()).toBe('kept');
  });

  it('end with the set-up of the next file, which leaves its own alone', async () => {
    const entered = new AsyncLocalStorage<string>();
    const before = [kept(new AsyncLocalStorage()), new AsyncResource('own').runInAsyncScope(() => enter(entered))];
    const native = [AsyncLocalStorage.prototype.run, AsyncLocalStorage.prototype.enterWith];
    await import(['../support/end-storages.ts', 'next'].join('?'));
    const after = kept(new AsyncLocalStorage());
    expect([before.map((read) => read()), after()]).toEqual([[undefined, undefined], 'kept']);
    expect([AsyncLocalStorage.prototype.run, AsyncLocalStorage.prototype.enterWith]).not.toEqual(native);
    ofTheFile = after;
  });
});

function enter(storage: AsyncLocalStorage<string>): () => string | undefined {
  storage.enterWith('kept');
  return AsyncResource.bind(() => storage.getStore());
}

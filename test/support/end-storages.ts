import { afterAll } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Ends every AsyncLocalStorage of a test file with the file.
 *
 * Node 20 and 22 hand each storage that ever ran on to every new promise, and keep it for ever. Each test file has its own
 * copy of all modules, and so of their storages: without this, a worker's thirtieth file pays for those of all before it.
 */
const used = new Set<AsyncLocalStorage<unknown>>();
const { run, enterWith } = AsyncLocalStorage.prototype;

AsyncLocalStorage.prototype.run = function (this: AsyncLocalStorage<unknown>, ...args: Parameters<typeof run>) {
  used.add(this);
  return run.apply(this, args);
} as typeof run;
AsyncLocalStorage.prototype.enterWith = function (store) {
  used.add(this);
  enterWith.call(this, store);
};

afterAll(() => {
  Object.assign(AsyncLocalStorage.prototype, { run, enterWith });
  for (const storage of used) storage.disable();
});

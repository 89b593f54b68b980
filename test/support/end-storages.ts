import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Ends every AsyncLocalStorage of a test file when the next file of the same worker begins.
 *
 * Node 20 and 22 hand each storage that ever ran on to every new promise, and keep it for ever. Each test file has its own
 * copy of all modules, and so of their storages: without this, a worker's thirtieth file pays for those of all before it.
 * Not in an `afterAll`, which would come before those of the file itself.
 *
 * Files share no modules but Node's own, so what one file leaves for the next is kept there. The next one puts Node's functions back before
 * it replaces them: those of the file before would keep all of its modules.
 */
interface Watch {
  readonly used: Set<AsyncLocalStorage<unknown>>;
  /** Node's own. */
  readonly run: typeof AsyncLocalStorage.prototype.run;
  readonly enterWith: typeof AsyncLocalStorage.prototype.enterWith;
}

const WATCH = Symbol.for('nestjs-cache-txn storages of the test file');
const shared = AsyncLocalStorage as { [WATCH]?: Watch };
const { prototype } = AsyncLocalStorage;

const previous = shared[WATCH];
if (previous !== undefined) {
  const { used, run, enterWith } = previous;
  Object.assign(prototype, { run, enterWith });
  for (const storage of used) storage.disable();
}

const { run, enterWith } = prototype;
const used = new Set<AsyncLocalStorage<unknown>>();
shared[WATCH] = { used, run, enterWith };

prototype.run = function (this: AsyncLocalStorage<unknown>, ...args: Parameters<typeof run>) {
  used.add(this);
  return run.apply(this, args);
} as typeof run;
prototype.enterWith = function (store) {
  used.add(this);
  enterWith.call(this, store);
};

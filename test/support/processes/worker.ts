import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { javascriptOf } from './javascript-tree.mjs';
import { ownProcess, type OwnedProcess } from './owned-process.js';

/**
 * What a worker can do: a worker file is a TypeScript module that exports `calls`.
 *
 * ```ts
 * // counter.worker.ts
 * export const calls = { increment: async (redisUrl: string, times: number) => { ... } };
 *
 * // counter.spec.ts
 * import type { calls } from './counter.worker.js';
 * const worker = await startWorker<typeof calls>(new URL('./counter.worker.ts', import.meta.url));
 * await worker.call('increment', server.url, 500);
 * ```
 */
export type WorkerCalls = Record<string, (...args: never[]) => Promise<unknown>>;

/** A Node process of its own that runs library code for a test: it can be paused and killed like a real instance. */
export interface Worker<Calls extends WorkerCalls> extends OwnedProcess {
  /** Runs one of the worker's calls. Arguments and result travel as structured clones; rejects if the worker ends. */
  call<Name extends keyof Calls & string>(name: Name, ...args: Parameters<Calls[Name]>): ReturnType<Calls[Name]>;
}

/** What goes to the worker. */
export interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What comes back; the first message of a worker has id 0 and says that it is ready. */
export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  /** A structured clone of an error would lose its code, which is what tests of errors look at. */
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly stack?: string;
    readonly code?: unknown;
  };
}

const READY = 0;
const MAIN = new URL('./worker-main.ts', import.meta.url);

/** Starts a process that has loaded the worker file; half a second, most of it loading Nest. */
export async function startWorker<Calls extends WorkerCalls>(
  file: URL,
  /** Further variables of its environment. */
  env: Readonly<Record<string, string>> = {},
): Promise<Worker<Calls>> {
  const [main, worker] = await Promise.all([javascriptOf(MAIN), javascriptOf(file)]);
  const child = fork(fileURLToPath(main), [worker.href], {
    env: { ...process.env, ...env },
    // Not the test runner's own flags.
    execArgv: ['--enable-source-maps', '--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const owned = ownProcess(child);

  const waiting = new Map<number, (reply: Reply) => void>();
  child.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  const replyTo = async (id: number): Promise<unknown> => {
    const reply = new Promise<Reply>((resolve) => waiting.set(id, resolve));
    const end = owned.ended.then((): Reply => {
      return { id, error: { name: 'Error', message: `The worker has ended. It printed:\n${owned.output()}` } };
    });
    const { result, error } = await Promise.race([reply, end]);
    if (error) throw Object.assign(new Error(error.message), error);
    return result;
  };

  await replyTo(READY);
  let lastId = READY;
  return {
    ...owned,
    call(name, ...args) {
      const id = ++lastId;
      const reply = replyTo(id);
      // A failure to send means that the worker has ended, which rejects the reply.
      child.send({ id, name, args } satisfies Request, () => undefined);
      return reply as ReturnType<Calls[typeof name]>;
    },
  };
}

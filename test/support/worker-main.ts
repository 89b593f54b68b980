/** The program of a worker process (see worker.ts): loads the worker file and answers the calls of the test. */
import type { Reply, Request, WorkerCalls } from './worker.js';

const [, , file = ''] = process.argv;
const { calls } = (await import(file)) as { readonly calls: WorkerCalls };

const answer = (reply: Reply): void => {
  process.send?.(reply);
};

const run = async ({ id, name, args }: Request): Promise<void> => {
  const call = calls[name] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined;
  try {
    if (!call) throw new Error(`The worker has no call named ${name}.`);
    answer({ id, result: await call(...args) });
  } catch (reason) {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    const { name, message, stack = '', code } = error as NodeJS.ErrnoException;
    answer({ id, error: { name, message, stack, code } });
  }
};

process.on('message', (request: Request) => void run(request));

// The test is gone: a worker must not go on writing into a server that the next test may use.
process.on('disconnect', () => process.exit());

answer({ id: 0 });

/** The program of a worker process (see worker.ts): loads the worker file and answers the calls of the test. */
import type { Reply, Request, WorkerCalls } from './worker.js';

const answer = (reply: Reply): void => {
  process.send?.(reply);
};

const run = async (calls: WorkerCalls, { id, name, args }: Request): Promise<void> => {
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

/** A function, because this becomes CommonJS too, which has no `await` outside of one. */
const main = async (): Promise<void> => {
  const [, , file = ''] = process.argv;
  const { calls } = (await import(file)) as { readonly calls: WorkerCalls };
  process.on('message', (request: Request) => void run(calls, request));
  answer({ id: 0 });
};

// The test is gone: a worker must not go on writing into a server that the next test may use.
process.on('disconnect', () => process.exit());

void main();

import { describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';

import { CommandRunner } from '../../../src/redis/commands/command-runner.js';
import { loadScript } from '../../../src/redis/commands/script.js';

const TIMEOUT_MS = 40;
const script = loadScript('commit-resolve');
const never = new Promise<never>(() => undefined);

/** An error as the server answers it. */
function replyError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'evalsha', args: ['SECRET'] } });
}

interface FakeClient {
  evalsha?: () => Promise<unknown>;
  eval?: () => Promise<unknown>;
  status?: string;
}

function runnerOf(client: FakeClient): CommandRunner {
  return new CommandRunner({ status: 'ready', ...client } as unknown as Redis, TIMEOUT_MS);
}

async function failure(send: () => Promise<unknown>, status = 'ready'): Promise<unknown> {
  return runnerOf({ status })
    .run('HMGET', send)
    .then(
      (answer) => answer,
      (error: unknown) => error,
    );
}

describe('a script', () => {
  it('is sent as EVALSHA, and as EVAL with its source when the server does not know it', async () => {
    const evalsha = jest.fn<() => Promise<unknown>>(async () => {
      throw replyError('NOSCRIPT No matching script. Please use EVAL.');
    });
    const evaluate = jest.fn<() => Promise<unknown>>(async () => 'answer');
    expect(await runnerOf({ evalsha, eval: evaluate }).script(script, ['key'], ['arg', 1])).toBe('answer');
    expect(evalsha.mock.calls).toEqual([[script.sha1, 1, 'key', 'arg', 1]]);
    expect(evaluate.mock.calls).toEqual([[script.source, 1, 'key', 'arg', 1]]);
  });

  it('is not sent again when it is known', async () => {
    const evaluate = jest.fn<() => Promise<unknown>>();
    expect(await runnerOf({ evalsha: async () => 'answer', eval: evaluate }).script(script, [], [])).toBe('answer');
    expect(evaluate).not.toHaveBeenCalled();
  });

  it.each([
    'ERR user_script:3: the id NOSCRIPT is taken',
    'WRONGTYPE NOSCRIPT ',
    'NOSCRIPTED by somebody',
    ' NOSCRIPT No matching script',
  ])('is not sent again for an error that merely contains the word: %j', async (message) => {
    const evaluate = jest.fn<() => Promise<unknown>>();
    const evalsha = async (): Promise<never> => {
      throw replyError(message);
    };
    await expect(runnerOf({ evalsha, eval: evaluate }).script(script, [], [])).rejects.toMatchObject({
      code: expect.stringMatching(/^STORE_/),
    });
    expect(evaluate).not.toHaveBeenCalled();
  });

  it('G40: settles within one time-out, not one for each of its two commands', async () => {
    jest.useFakeTimers();
    try {
      const evalsha = (): Promise<never> =>
        new Promise((_resolve, reject) => setTimeout(() => reject(replyError('NOSCRIPT ')), TIMEOUT_MS - 5));
      const startedAtMs = performance.now();
      const settled = runnerOf({ evalsha, eval: () => never })
        .script(script, [], [])
        .catch((error: unknown) => ({ error, tookMs: performance.now() - startedAtMs }));
      await jest.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
      expect(await settled).toMatchObject({ error: { code: 'STORE_TIMEOUT' }, tookMs: TIMEOUT_MS });
    } finally {
      jest.useRealTimers();
    }
  });

  it('is not sent as EVAL any more once its caller has been told of the time-out', async () => {
    let refuse: (error: Error) => void = () => undefined;
    const evalsha = (): Promise<never> => new Promise((_resolve, reject) => (refuse = reject));
    const evaluate = jest.fn<() => Promise<unknown>>();
    await expect(runnerOf({ evalsha, eval: evaluate }).script(script, [], [])).rejects.toMatchObject({
      code: 'STORE_TIMEOUT',
    });
    refuse(replyError('NOSCRIPT '));
    await new Promise(setImmediate);
    expect(evaluate).not.toHaveBeenCalled();
  });
});

describe('a command', () => {
  it('G40: that ioredis leaves pending for ever settles at its deadline, as unknown', async () => {
    const startedAt = performance.now();
    expect(await failure(() => never)).toMatchObject({
      code: 'STORE_TIMEOUT',
      details: { command: 'HMGET', timeoutMs: TIMEOUT_MS },
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(TIMEOUT_MS - 2);
  });

  it('that fails after its deadline is no unhandled rejection', async () => {
    let fail: (error: Error) => void = () => undefined;
    await failure(() => new Promise((_resolve, reject) => (fail = reject)));
    // An unhandled one would end the test run.
    fail(new Error('late'));
    await new Promise(setImmediate);
  });

  it.each([
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
    'None of startup nodes is available',
  ])('G40: that was not sent is surely not executed: %s', async (message) => {
    expect(await failure(() => Promise.reject(new Error(message)))).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
    });
  });

  it('G40: on a connection that was given up is not sent', async () => {
    const send = jest.fn<() => Promise<unknown>>(() => Promise.reject(new Error('Connection is closed.')));
    expect(await failure(send, 'end')).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(send).not.toHaveBeenCalled();
  });

  it.each(['Connection is closed.', 'read ECONNRESET', 'Reached the max retries per request limit (which is 0).'])(
    'G40: that was in flight may have been executed: %s',
    async (message) => {
      expect(await failure(() => Promise.reject(new Error(message)))).toMatchObject({
        code: 'STORE_TIMEOUT',
        retryable: false,
      });
    },
  );

  it.each([
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
    "READONLY You can't write against a read only replica.",
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'CLUSTERDOWN The cluster is down',
  ])('that the server refused is unavailable, and the message has the server’s word for it: %s', async (message) => {
    expect(await failure(() => Promise.reject(replyError(message)))).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `Redis refused HMGET: ${message.split(' ')[0]}`,
      cause: { message },
    });
  });

  it('G20: that was refused in the middle of a script is unknown, because what stands before it has run', async () => {
    const message =
      "ERR The user executing the script can't run this command or subcommand script: 9a, on @user_script:6.";
    expect(await failure(() => Promise.reject(replyError(message)))).toMatchObject({ code: 'STORE_TIMEOUT' });
  });

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'WRONGTYPE Operation against a key holding the wrong kind of value script: 9a, on @user_script:103.',
    'ERR user_script:138: attempt to compare number with nil script: 9a, on @user_script:138.',
  ])('G41: that met data of another shape is a reply error: %s', async (message) => {
    expect(await failure(() => Promise.reject(replyError(message)))).toMatchObject({ code: 'STORE_REPLY' });
  });

  it('that throws before it is sent is classified like one that rejects', async () => {
    const thrown = await failure(() => {
      throw new Error("Stream isn't writeable and enableOfflineQueue options is false");
    });
    expect(thrown).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('shares one timer with all others, which ends when there is nothing to wait for', async () => {
    jest.useFakeTimers();
    try {
      const runner = runnerOf({});
      await Promise.all([1, 2, 3].map((answer) => runner.run('HMGET', async () => answer)));
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('G40: has its whole time-out, also when the timer was set for an earlier one that was answered', async () => {
    jest.useFakeTimers();
    try {
      const runner = runnerOf({});
      const startedAtMs = performance.now();
      const codes: [code: unknown, tookMs: number][] = [];
      const send = (): void => {
        runner
          .run('HMGET', () => never)
          .catch((error: unknown) => codes.push([(error as { code?: unknown }).code, performance.now() - startedAtMs]));
      };
      await runner.run('HMGET', async () => 'answer');
      await jest.advanceTimersByTimeAsync(10);
      send();
      await jest.advanceTimersByTimeAsync(10);
      send();
      await jest.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
      expect(codes).toEqual([
        ['STORE_TIMEOUT', TIMEOUT_MS + 10],
        ['STORE_TIMEOUT', TIMEOUT_MS + 20],
      ]);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});

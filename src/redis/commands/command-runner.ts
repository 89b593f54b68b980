import type { Cluster, Redis } from 'ioredis';
import { StoreReplyError, StoreTimeoutError, StoreUnavailableError, type CacheTxnError } from '../../base/errors.js';
import { withoutSecrets } from '../connection/safe-error.js';
import type { Script } from './script.js';
import { WriteGathering } from './write-gathering.js';

/** ioredis says this when it has not written the command to a socket. */
const NOT_SENT = /isn't writeable|wait for the connection|None of startup nodes is available|Cluster isn't ready/i;
/**
 * The server, or its Lua engine, ran into data of another shape. A message that merely *ends* with the place in the
 * script is something else, such as a command that the user may not run.
 */
const FOREIGN_DATA = /^(WRONGTYPE |ERR user_script:\d+: |ERR Error running script)/;
/** A command inside a script was refused (an ACL, say), so what stands before it in the script has run. */
const REFUSED_INSIDE = /(script: [0-9a-f]{40}|@user_script)/;

/**
 * Sends commands with a deadline of its own around each: ioredis can leave a promise pending for ever
 * (redis/ioredis#2193), and a caller of this library must settle.
 */
export class CommandRunner {
  private readonly writes: WriteGathering;

  constructor(
    readonly client: Redis | Cluster,
    private readonly timeoutMs: number,
  ) {
    this.writes = new WriteGathering(client);
  }

  /**
   * EVALSHA, and EVAL when the server does not know the script. Only a message that *starts with* NOSCRIPT counts:
   * an error text may contain the word through a user's id. Both commands share one deadline.
   */
  script(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const { client, timeoutMs } = this;
    return new Promise((resolve, reject) => {
      const endsAtMs = performance.now() + timeoutMs;
      const answer = ([reply]: readonly unknown[]): void => {
        resolve(reply);
      };
      const evaluate = (error: Error): void => {
        if (!(error instanceof UnknownScript)) {
          reject(error);
          return;
        }
        const send = (): Promise<unknown> => client.eval(script.source, keys.length, ...keys, ...args);
        this.settle(script.name, [send], endsAtMs - performance.now(), answer, reject);
      };
      const send = (): Promise<unknown> => client.evalsha(script.sha1, keys.length, ...keys, ...args);
      this.settle(script.name, [send], timeoutMs, answer, evaluate);
    });
  }

  /** Commands wait until the end of the turn to share one write; this sends what waits. */
  sendNow(): void {
    this.writes.end();
  }

  /**
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` when the command surely did not run
   * @throws StoreTimeoutError `STORE_TIMEOUT` when nobody can tell whether it ran, or how far
   * @throws StoreReplyError `STORE_REPLY` when the key holds foreign data
   */
  run<T>(what: string, send: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer = ([reply]: readonly T[]): void => {
        resolve(reply as T);
      };
      this.settle(what, [send], this.timeoutMs, answer, reject);
    });
  }

  /** Several commands under one deadline; like {@link run}, it throws when one of them fails. */
  runAll<T>(what: string, sends: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
    if (sends.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.settle(what, sends, this.timeoutMs, resolve, reject);
    });
  }

  /** Sends commands and calls one of the two, once. It makes no promises of its own: this runs for every command. */
  private settle<T>(
    what: string,
    sends: readonly (() => Promise<T>)[],
    leftMs: number,
    resolve: (answers: readonly T[]) => void,
    reject: (error: Error) => void,
  ): void {
    if (this.client.status === 'end') {
      reject(
        new StoreUnavailableError(`the connection to Redis was given up; ${what} was not sent`, {
          details: { command: what },
        }),
      );
      return;
    }
    let isTooLate = false;
    const timer = setTimeout(() => {
      isTooLate = true;
      reject(
        new StoreTimeoutError(`Redis did not answer ${what} within ${this.timeoutMs} ms; whether it ran is unknown`, {
          details: { command: what, timeoutMs: this.timeoutMs },
        }),
      );
    }, leftMs);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      if (!isTooLate) reject(classify(error, what));
    };
    const answers: T[] = [];
    let missing = sends.length;
    sends.forEach((send, i) => {
      this.writes.begin();
      try {
        send().then((answer) => {
          answers[i] = answer;
          if (--missing > 0) return;
          clearTimeout(timer);
          if (!isTooLate) resolve(answers);
        }, fail);
      } catch (error) {
        fail(error);
      }
    });
  }
}

class UnknownScript extends Error {}

function classify(error: unknown, what: string): CacheTxnError | UnknownScript {
  const cause = withoutSecrets(error);
  const { message } = cause;
  const context = { cause, details: { command: what } };
  if (cause.name === 'ReplyError') {
    if (message.startsWith('NOSCRIPT ')) return new UnknownScript();
    if (FOREIGN_DATA.test(message)) {
      return new StoreReplyError(`Redis could not run ${what}: a key of its own holds foreign data`, context);
    }
    if (REFUSED_INSIDE.test(message)) {
      return new StoreTimeoutError(
        `Redis refused a command in the middle of ${what}; look at the permissions of its user`,
        context,
      );
    }
    return new StoreUnavailableError(`Redis refused ${what}: ${message.split(' ')[0] ?? 'ERR'}`, context);
  }
  if (NOT_SENT.test(message))
    return new StoreUnavailableError(`no connection to Redis for ${what}; it was not sent`, context);
  return new StoreTimeoutError(`the connection to Redis was lost during ${what}; whether it ran is unknown`, context);
}

import type { Cluster, Redis } from 'ioredis';
import { StoreReplyError, StoreTimeoutError, StoreUnavailableError, type CacheTxnError } from '../base/errors.js';
import { withoutSecrets } from './safe-error.js';
import type { Script } from './script.js';

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
  constructor(
    readonly client: Redis | Cluster,
    private readonly timeoutMs: number,
  ) {}

  /**
   * EVALSHA, and EVAL when the server does not know the script. Only a message that *starts with* NOSCRIPT counts:
   * an error text may contain the word through a user's id. Both commands share one deadline.
   */
  async script(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const endsAtMs = performance.now() + this.timeoutMs;
    try {
      return await this.run(script.name, () => this.client.evalsha(script.sha1, keys.length, ...keys, ...args));
    } catch (error) {
      if (!(error instanceof UnknownScript)) throw error;
      const leftMs = endsAtMs - performance.now();
      return this.run(script.name, () => this.client.eval(script.source, keys.length, ...keys, ...args), leftMs);
    }
  }

  /**
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` when the command surely did not run
   * @throws StoreTimeoutError `STORE_TIMEOUT` when nobody can tell whether it ran, or how far
   * @throws StoreReplyError `STORE_REPLY` when the key holds foreign data
   */
  async run<T>(what: string, send: () => Promise<T>, leftMs = this.timeoutMs): Promise<T> {
    if (this.client.status === 'end') {
      throw new StoreUnavailableError(`the connection to Redis was given up; ${what} was not sent`, {
        details: { command: what },
      });
    }
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(
          new StoreTimeoutError(`Redis did not answer ${what} within ${this.timeoutMs} ms; whether it ran is unknown`, {
            details: { command: what, timeoutMs: this.timeoutMs },
          }),
        );
      }, leftMs);
    });
    try {
      return await Promise.race([send(), deadline]);
    } catch (error) {
      throw error instanceof StoreTimeoutError ? error : classify(error, what);
    } finally {
      clearTimeout(timer);
    }
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

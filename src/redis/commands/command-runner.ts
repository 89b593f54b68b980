import type { Cluster, Redis } from 'ioredis';
import { StoreReplyError, StoreTimeoutError, StoreUnavailableError, type CacheTxnError } from '../../base/errors.js';
import { withoutSecrets } from '../connection/safe-error.js';
import { type Deadline, Deadlines } from './deadlines.js';
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
  private readonly deadlines: Deadlines;

  constructor(
    readonly client: Redis | Cluster,
    private readonly timeoutMs: number,
  ) {
    this.writes = new WriteGathering(client);
    this.deadlines = new Deadlines(timeoutMs);
  }

  /**
   * EVALSHA, and EVAL when the server does not know the script. Only a message that *starts with* NOSCRIPT counts:
   * an error text may contain the word through a user's id. Both commands share one deadline.
   */
  script(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const { client, deadlines } = this;
    return new Promise((resolve, reject) => {
      const deadline = this.begin(script.name, reject);
      if (deadline === undefined) return;
      const answer = (reply: unknown): void => {
        if (deadlines.end(deadline)) resolve(reply);
      };
      const fail = (error: unknown): void => {
        if (deadlines.end(deadline)) reject(classify(error, script.name));
      };
      const evaluate = (error: unknown): void => {
        if (!isUnknownScript(error)) fail(error);
        else if (deadlines.isUnderway(deadline))
          this.send(() => client.eval(script.source, keys.length, ...keys, ...args), answer, fail);
      };
      this.send(() => client.evalsha(script.sha1, keys.length, ...keys, ...args), answer, evaluate);
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
    const { deadlines } = this;
    return new Promise((resolve, reject) => {
      const deadline = this.begin(what, reject);
      if (deadline === undefined) return;
      const answer = (value: T): void => {
        if (deadlines.end(deadline)) resolve(value);
      };
      const fail = (error: unknown): void => {
        if (deadlines.end(deadline)) reject(classify(error, what));
      };
      this.send(send, answer, fail);
    });
  }

  /** Several commands under one deadline; like {@link run}, it throws when one of them fails. */
  runAll<T>(what: string, sends: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
    if (sends.length === 0) return Promise.resolve([]);
    const { deadlines } = this;
    return new Promise((resolve, reject) => {
      const deadline = this.begin(what, reject);
      if (deadline === undefined) return;
      const fail = (error: unknown): void => {
        if (deadlines.end(deadline)) reject(classify(error, what));
      };
      const answers: T[] = [];
      let missing = sends.length;
      sends.forEach((send, i) => {
        const answer = (value: T): void => {
          answers[i] = value;
          if (--missing === 0 && deadlines.end(deadline)) resolve(answers);
        };
        this.send(send, answer, fail);
      });
    });
  }

  /** Calls one of the two, once. */
  private send<T>(send: () => Promise<T>, answer: (answer: T) => void, fail: (error: unknown) => void): void {
    this.writes.begin();
    try {
      send().then(answer, fail);
    } catch (error) {
      fail(error);
    }
  }

  /** Undefined, and rejected, when nothing can be sent any more. */
  private begin(what: string, reject: (error: Error) => void): Deadline | undefined {
    const details = { command: what };
    if (this.client.status === 'end') {
      reject(new StoreUnavailableError(`the connection to Redis was given up; ${what} was not sent`, { details }));
      return undefined;
    }
    const { timeoutMs } = this;
    return this.deadlines.begin(() => {
      const message = `Redis did not answer ${what} within ${timeoutMs} ms; whether it ran is unknown`;
      reject(new StoreTimeoutError(message, { details: { ...details, timeoutMs } }));
    });
  }
}

/** The error of a server; only one of those says something of what it knows. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && error.message.startsWith('NOSCRIPT ');
}

function classify(error: unknown, what: string): CacheTxnError {
  const cause = withoutSecrets(error);
  const { message } = cause;
  const context = { cause, details: { command: what } };
  if (cause.name === 'ReplyError') {
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

import { systemClock } from '../../base/clock.js';
import { inTime } from '../../base/in-time.js';
import { Redis, type RedisOptions } from 'ioredis';
import { closeClient } from '../connection/connection.js';
import { withoutSecrets } from '../connection/safe-error.js';

/** Where one server is, and how to get in. */
export type ServerPlace = Omit<RedisOptions, 'replyMapping'> & { readonly url?: string };

/** Whether a connection to it speaks TLS. */
export function speaksTls({ url = '', tls }: ServerPlace): boolean {
  return tls !== undefined || /^rediss:/i.test(url);
}

/**
 * One try, no second: a survey says what it finds. Without the ready check, because a server that is loading its data is a finding too.
 */
const ONE_TRY = {
  protocol: 2,
  replyMapping: 'legacy',
  lazyConnect: true,
  enableReadyCheck: false,
  enableOfflineQueue: true,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: null,
  sentinelRetryStrategy: () => null,
  failoverDetector: false,
} as const;

/** A connection to one server, on which every question has an end. */
export class SurveyConnection {
  private constructor(
    readonly client: Redis,
    private readonly timeoutMs: number,
    /** What the client has said of its connection. */
    private readonly reason: () => Error | undefined,
  ) {}

  /** @throws Error that says why, without a secret */
  static async open({ url, ...place }: ServerPlace, timeoutMs: number): Promise<SurveyConnection> {
    const merged = { ...place, ...ONE_TRY, connectTimeout: timeoutMs };
    const client = url === undefined ? new Redis(merged) : new Redis(url, merged);
    let reason: Error | undefined;
    client.on('error', (error: unknown) => (reason = withoutSecrets(error)));
    try {
      await within(client.connect(), timeoutMs, 'the connection');
      return new SurveyConnection(client, timeoutMs, () => reason);
    } catch (error) {
      closeClient(client);
      // What rejects the call often says only that the connection was closed.
      throw reason ?? withoutSecrets(error);
    }
  }

  /** @throws Error that says why, without a secret */
  async ask(command: string, ...args: readonly string[]): Promise<unknown> {
    try {
      return await within(this.client.call(command, ...args), this.timeoutMs, command);
    } catch (error) {
      // A client that is let in only after it counts as connected (ioredis 5) rejects this with no more than that it was closed.
      const isClosed = this.client.status === 'end' || this.client.status === 'close';
      throw (isClosed ? this.reason() : undefined) ?? withoutSecrets(error);
    }
  }

  close(): void {
    closeClient(this.client);
  }
}

/** What `answer` gives, unless that takes longer. */
export function within<T>(answer: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return inTime(systemClock, timeoutMs, answer, () => new Error(`no answer within ${timeoutMs} ms: ${what}`));
}

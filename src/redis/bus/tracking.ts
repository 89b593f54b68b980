import type { Redis } from 'ioredis';
import { isUnanswered } from '../../base/errors.js';
import type { CommandRunner } from '../commands/command-runner.js';
import { closeClient } from '../connection/connection.js';
import { cut } from './subscriber.js';
import { BUS_HEARTBEAT_MS, BUS_SILENCE_MS } from './watch.js';

/** Where a server tells a RESP2 connection of keys that were written. */
const INVALIDATED = '__redis__:invalidate';

/** What tracking tells. */
export interface TrackingEvents {
  /** A key of the server was written, by whomever, or has expired or was evicted. */
  readonly written: (serverKey: string) => void;
  readonly gap: () => void;
  readonly down: () => void;
  /** Why it stays down, where the server answers. */
  readonly failed: (reason: unknown) => void;
}

/**
 * Hears of every write of keys with one prefix, by clients that do not use this library too: `CLIENT TRACKING` in broadcasting mode, on a
 * connection of its own that redirects to itself. The server tells each connection in order, so a PING that is answered in time shows that
 * nothing is stuck on the way.
 */
export class Tracking {
  /** Fulfilled when the server tells. */
  readonly listening: Promise<void>;
  private readonly timer: NodeJS.Timeout;
  private askedAtMs: number | undefined;
  /** Counts the connections that ended. */
  private losses = 0;
  private isFailureTold = false;
  private isEnded = false;
  isDown = false;

  constructor(
    private readonly runner: CommandRunner,
    /** Not connected yet, and of nobody else. */
    private readonly connection: Redis,
    private readonly prefix: string,
    private readonly events: TrackingEvents,
  ) {
    // The connection for commands tells of an outage.
    connection.on('error', () => undefined);
    connection.on('close', () => this.lose());
    connection.on('messageBuffer', (_channel: Buffer, keys: unknown) => this.hear(keys));
    runner.client.on('ready', this.onCommandsBack);
    this.timer = setInterval(() => this.turn(), BUS_HEARTBEAT_MS);
    this.timer.unref();
    this.listening = this.begin();
  }

  end(): void {
    this.isEnded = true;
    clearInterval(this.timer);
    this.runner.client.off('ready', this.onCommandsBack);
    closeClient(this.connection);
  }

  private async begin(): Promise<void> {
    await this.runner.run('CLIENT TRACKING', async () => {
      await this.connection.connect();
      await this.ask();
    });
    this.connection.on('ready', () => void this.comeBack());
    // A connection that was replaced meanwhile has been asked for nothing, or for a part; the next one is asked for all of it.
    if (this.losses > 0) cut(this.connection);
  }

  /** What is written before the subscription is told to nobody. */
  private async ask(): Promise<void> {
    const { connection } = this;
    const id = String(await connection.client('ID'));
    await connection.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', this.prefix);
    await connection.subscribe(INVALIDATED);
  }

  /** Never rejects. */
  private async comeBack(): Promise<void> {
    const { losses } = this;
    try {
      await this.runner.run('CLIENT TRACKING', () => this.ask());
      if (this.isEnded || losses !== this.losses) return;
      this.isDown = false;
      this.isFailureTold = false;
      this.events.gap();
    } catch (error) {
      if (this.isEnded || losses !== this.losses) return;
      if (!this.isFailureTold && !isUnanswered(error)) {
        this.events.failed(error);
        this.isFailureTold = true;
      }
      // The next connection tries again.
      cut(this.connection);
    }
  }

  /** The commands may go to another server now, while this connection still leads to the one before. */
  private readonly onCommandsBack = (): void => {
    this.lose();
    cut(this.connection);
  };

  private lose(): void {
    this.losses += 1;
    this.askedAtMs = undefined;
    if (this.isEnded || this.isDown) return;
    this.isDown = true;
    this.events.down();
  }

  private turn(): void {
    if (this.isDown) return;
    // What has arrived while this process was busy is read before.
    if (this.askedAtMs !== undefined) setImmediate(() => this.judge(performance.now()));
    else void this.ping();
  }

  private judge(nowMs: number): void {
    if (this.askedAtMs === undefined || nowMs - this.askedAtMs < BUS_SILENCE_MS) return;
    this.lose();
    cut(this.connection);
  }

  private async ping(): Promise<void> {
    const { losses } = this;
    this.askedAtMs = performance.now();
    // One that fails has lost its connection, or is late; `judge` sees to it.
    const isAnswered = await this.connection.ping().then(
      () => true,
      () => false,
    );
    if (isAnswered && losses === this.losses) this.askedAtMs = undefined;
  }

  private hear(keys: unknown): void {
    // Before the gap it would only be dropped with everything else.
    if (this.isEnded || this.isDown) return;
    // No list: the server was flushed.
    if (!Array.isArray(keys)) this.events.gap();
    else for (const key of keys) this.events.written(String(key));
  }
}

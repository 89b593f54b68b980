import type { Cluster, Redis } from 'ioredis';
import type { ErrorSink } from '../base/error-sink.js';
import type { Handover } from '../store/lock-operations.js';

const MESSAGE = /^(\S+) (\d{1,16}) ([^]+)$/;

/**
 * The one subscription of a process: hand-over messages for its waiters. Only hints come this way; a message that is
 * lost, late or repeated costs time and nothing else.
 */
export class Inbox {
  private readonly listeners = new Set<(handover: Handover) => void>();
  private readonly gapListeners = new Set<() => void>();
  private subscribed = false;

  constructor(
    private readonly connection: Redis | Cluster,
    readonly channel: string,
    private readonly report: ErrorSink,
  ) {
    connection.on('message', (channel: string, message: string) => {
      if (channel === this.channel) this.deliver(message);
    });
    connection.on('ready', () => {
      if (this.subscribed) for (const listener of this.gapListeners) listener();
    });
  }

  async open(): Promise<void> {
    await this.connection.subscribe(this.channel);
    this.subscribed = true;
  }

  onHandover(listener: (handover: Handover) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onGap(listener: () => void): () => void {
    this.gapListeners.add(listener);
    return () => this.gapListeners.delete(listener);
  }

  private deliver(message: string): void {
    const match = MESSAGE.exec(message);
    if (match === null) {
      this.report(new Error('a message in the inbox is not a hand-over'), { during: 'lock hand-over' });
      return;
    }
    const [, token = '', fence = '', name = ''] = match;
    for (const listener of this.listeners) listener({ token, name, fence: Number(fence) });
  }
}

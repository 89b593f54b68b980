import type { Cluster, Redis } from 'ioredis';
import type { ErrorSink } from '../../base/error-sink.js';
import type { LeaseEnd } from '../../store/fill-operations.js';
import type { VotesComplete } from '../../store/member-operations.js';
import type { Handover } from '../../store/lock-operations.js';
import { withoutSecrets } from './safe-error.js';

/** A cluster client that lost its subscription with a node has another one after this long. */
const RESETTLE_MS = 200;
/** While nodes come and go, waiters are told to ask again no more often than they do of themselves. */
const RESETTLE_EVERY_MS = 1_000;

const MESSAGE = /^(\S+) (\d{1,16}) ([^]+)$/;
const LEASE_END = /^fill (\S+)$/;
const VOTES_COMPLETE = /^roll (\S+) (ready|vetoed) (\S+)$/;

/**
 * The subscriptions of a process: hand-over messages for its waiters, ends of the loads that it waits for, votes for its transactions, and what
 * members of a name are told. Only hints come this way; a message that is lost, late or repeated costs time and nothing else.
 */
export class Inbox {
  private readonly listeners = new Set<(handover: Handover) => void>();
  private readonly leaseListeners = new Set<{ readonly hear: (ended: LeaseEnd) => void }>();
  private readonly voteListeners = new Set<(votes: VotesComplete) => void>();
  private readonly gapListeners = new Set<() => void>();
  private readonly further = new Map<string, Set<{ readonly hear: (message: string) => void }>>();
  private isOpen = false;
  private resettling: NodeJS.Timeout | undefined;
  private resettledAtMs = -Infinity;

  constructor(
    private readonly connection: Redis | Cluster,
    readonly channel: string,
    private readonly report: ErrorSink,
  ) {
    connection.on('message', (channel: string, message: string) => {
      if (channel === this.channel) this.deliver(message);
      else for (const listener of this.further.get(channel) ?? []) listener.hear(message);
    });
    connection.on('ready', () => {
      if (this.isOpen) this.comeBack();
    });
    // Only a cluster client says these. It moves its subscription to another node without a word, and stays ready.
    for (const change of ['+node', '-node']) connection.on(change, () => this.resettle());
  }

  async open(): Promise<void> {
    await this.connection.subscribe(this.channel);
    this.isOpen = true;
  }

  onHandover(listener: (handover: Handover) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onLeaseEnd(listener: (ended: LeaseEnd) => void): () => void {
    const entry = { hear: listener };
    this.leaseListeners.add(entry);
    return () => this.leaseListeners.delete(entry);
  }

  onVotesComplete(listener: (votes: VotesComplete) => void): () => void {
    this.voteListeners.add(listener);
    return () => this.voteListeners.delete(listener);
  }

  /** Subscribes to one more channel; after a gap it is subscribed to again before anybody hears of the gap. */
  async listen(channel: string, listener: (message: string) => void): Promise<() => void> {
    const entry = { hear: listener };
    const listeners = this.further.get(channel) ?? new Set();
    this.further.set(channel, listeners.add(entry));
    const unlisten = (): void => {
      listeners.delete(entry);
      // Not subscribed to after the next gap; UNSUBSCRIBE is a permission that nobody else needs.
      if (listeners.size === 0 && this.further.get(channel) === listeners) this.further.delete(channel);
    };
    try {
      await this.connection.subscribe(channel);
    } catch (error) {
      unlisten();
      throw error;
    }
    return unlisten;
  }

  onGap(listener: () => void): () => void {
    this.gapListeners.add(listener);
    return () => this.gapListeners.delete(listener);
  }

  /** Tells of the gap only when messages arrive again: what is handed over in between is then seen by asking. */
  async resubscribe(): Promise<void> {
    await this.connection.subscribe(this.channel, ...this.further.keys());
    for (const listener of this.gapListeners) listener();
  }

  private comeBack(): void {
    this.resubscribe().catch((error: unknown) => {
      // Lost again: the next 'ready' comes back here, unless the store has stopped.
      if (this.connection.status !== 'end') this.report(withoutSecrets(error), { during: 'lock hand-over' });
    });
  }

  private resettle(): void {
    if (!this.isOpen || this.resettling !== undefined) return;
    const pauseMs = Math.max(RESETTLE_MS, this.resettledAtMs + RESETTLE_EVERY_MS - performance.now());
    this.resettling = setTimeout(() => {
      this.resettling = undefined;
      this.resettledAtMs = performance.now();
      // Otherwise 'ready' is to come.
      if (this.connection.status === 'ready') this.comeBack();
    }, pauseMs);
    this.resettling.unref();
  }

  private deliver(message: string): void {
    const [, leaseToken] = LEASE_END.exec(message) ?? [];
    if (leaseToken !== undefined) {
      for (const { hear } of this.leaseListeners) hear({ token: leaseToken });
      return;
    }
    const votes = VOTES_COMPLETE.exec(message);
    if (votes !== null) {
      const [, txnId = '', state, name = ''] = votes;
      for (const listener of this.voteListeners) listener({ txnId, name, isReady: state === 'ready' });
      return;
    }
    const match = MESSAGE.exec(message);
    if (match === null) {
      this.report(new Error('a message in the inbox is not a hand-over'), { during: 'lock hand-over' });
      return;
    }
    const [, token = '', fence = '', name = ''] = match;
    for (const listener of this.listeners) listener({ token, name, fence: Number(fence) });
  }
}

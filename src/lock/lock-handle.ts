import { followSignals } from '../base/abort.js';
import { reasonOf } from '../base/clock.js';
import { LockLostError } from '../base/errors.js';
import type { ReleaseOutcome } from '../store/lock-operations.js';
import type { Lease } from './lease.js';
import type { Lock } from './lock.js';

/** Gives one lease back; answers what the store said. */
export type ReleaseLease = (lease: Lease) => Promise<ReleaseOutcome | 'unknown'>;

/**
 * The holder's side of a lock: one lease, or several when its names live in several slots or are partly re-entered.
 */
export class LockHandle implements Lock {
  readonly signal: AbortSignal;
  private readonly stopFollowing: () => void;
  private releasing: Promise<ReleaseOutcome | 'unknown'> | undefined;

  constructor(
    readonly names: readonly string[],
    readonly token: string,
    readonly leases: readonly Lease[],
    /** The service that made it: locks of another store never count as re-entry. */
    readonly owner: object,
    private readonly releaseLease: ReleaseLease,
    /** Fires the lock's signal as well: the caller for whom it is held has left. */
    callSignal?: AbortSignal,
  ) {
    const following = followSignals([...leases.map((lease) => lease.signal), ...(callSignal ? [callSignal] : [])]);
    this.signal = following.signal;
    this.stopFollowing = following.stop;
  }

  get fence(): number {
    return Math.max(...this.leases.map((lease) => lease.fence));
  }

  get isReleased(): boolean {
    return this.releasing !== undefined;
  }

  isHeld(): boolean {
    return !this.isReleased && this.leases.every((lease) => lease.isHeld());
  }

  assertHeld(): void {
    if (this.isHeld()) return;
    const lost = this.leases.find((lease) => lease.signal.aborted);
    if (lost) throw reasonOf(lost.signal);
    throw new LockLostError(`the lock ${this.names.join(', ')} was released by its holder`, {
      details: { names: this.names, reason: 'released' },
    });
  }

  release(): Promise<ReleaseOutcome | 'unknown'> {
    this.releasing ??= this.releaseAll();
    return this.releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  private async releaseAll(): Promise<ReleaseOutcome | 'unknown'> {
    this.stopFollowing();
    const outcomes = await Promise.all(this.leases.map((lease) => this.releaseLease(lease)));
    if (outcomes.includes('unknown')) return 'unknown';
    return outcomes.includes('lost') ? 'lost' : 'released';
  }
}

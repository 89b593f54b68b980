import { followSignals, type FollowingSignal } from '../base/abort.js';
import { reasonOf } from '../base/clock.js';
import { LockLostError } from '../base/errors.js';
import { shownAs } from '../base/shown-as.js';
import type { ReleaseOutcome } from '../store/lock-operations.js';
import type { Lease } from './lease.js';
import type { Lock } from './lock.js';

/** The service that made a lock. Locks of another one are of another store: they are no re-entry and guard no commit. */
export interface LockOwner {
  readonly storeName: string;
  acquire(names: readonly string[], options: { readonly wait: 0 }): Promise<Lock>;
}

/** Gives one lease back; answers what the store said. */
export type ReleaseLease = (lease: Lease) => Promise<ReleaseOutcome | 'unknown'>;

/**
 * The holder's side of a lock: one lease, or several when its names live in several slots or are partly re-entered.
 */
export class LockHandle implements Lock {
  private following: FollowingSignal | undefined;
  /** What had fired when the lock was given back: the signal then keeps its state, also when it is asked for later. */
  private firedBefore: readonly AbortSignal[] = [];
  private releasing: Promise<ReleaseOutcome | 'unknown'> | undefined;

  constructor(
    readonly names: readonly string[],
    readonly token: string,
    readonly leases: readonly Lease[],
    readonly owner: LockOwner,
    private readonly releaseLease: ReleaseLease,
    /** Fires the lock's signal as well: the caller for whom it is held has left. */
    private readonly callSignal?: AbortSignal,
  ) {}

  get signal(): AbortSignal {
    // After a long stop of the event loop its timers are still to come: the clock is asked first, and fires it.
    this.isHeld();
    this.following ??= followSignals(this.isReleased ? this.firedBefore : this.sources(this.leases));
    return this.following.signal;
  }

  /** Calls `listener` as {@link signal} would, which it does not make; answers how to stop. */
  onLost(listener: (reason: Error) => void): () => void {
    const { callSignal } = this;
    const tell = (reason: Error): void => {
      if (!this.isReleased) listener(reason);
    };
    const stops = this.leases.map((lease) => lease.onLost(tell));
    if (callSignal) {
      const onAbort = (): void => {
        tell(reasonOf(callSignal));
      };
      if (callSignal.aborted) onAbort();
      callSignal.addEventListener('abort', onAbort, { once: true });
      stops.push(() => {
        callSignal.removeEventListener('abort', onAbort);
      });
    }
    return () => {
      for (const stop of stops) stop();
    };
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
    for (const { lossReason } of this.leases) if (lossReason) throw lossReason;
    throw new LockLostError(`the lock ${this.names.join(', ')} was released by its holder`, {
      details: { names: this.names, reason: 'released' },
    });
  }

  release(): Promise<ReleaseOutcome | 'unknown'> {
    // May find a lease ended and fire its signal, whose listeners may come back here: before anything is counted.
    for (const lease of this.leases) lease.isHeld();
    this.releasing ??= this.releaseAll();
    return this.releasing;
  }

  /**
   * Keeps what is held of it until `work` has settled, also when it is released meanwhile: nobody else may own it while
   * somebody still works under it.
   */
  keepFor(work: Promise<unknown>): void {
    const kept = this.leases.filter((lease) => lease.isHeld());
    for (const lease of kept) lease.holds++;
    const letGo = (): void => {
      for (const lease of kept) void this.releaseLease(lease);
    };
    work.then(letGo, letGo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  private releaseAll(): Promise<ReleaseOutcome | 'unknown'> {
    if (this.following) this.following.stop();
    else
      this.firedBefore = this.sources(this.leases.filter((lease) => lease.lossReason)).filter(({ aborted }) => aborted);
    const releasing = this.leases.map((lease) => this.releaseLease(lease));
    const [only] = releasing;
    return only && releasing.length === 1 ? only : worstOf(releasing);
  }

  private sources(leases: readonly Lease[]): AbortSignal[] {
    const signals = leases.map(({ signal }) => signal);
    return this.callSignal ? [...signals, this.callSignal] : signals;
  }
}

async function worstOf(releasing: readonly Promise<ReleaseOutcome | 'unknown'>[]): Promise<ReleaseOutcome | 'unknown'> {
  const outcomes = await Promise.all(releasing);
  if (outcomes.includes('unknown')) return 'unknown';
  return outcomes.includes('lost') ? 'lost' : 'released';
}

shownAs(LockHandle, (lock) => ({ names: lock.names, fence: lock.fence, isHeld: lock.isHeld() }));

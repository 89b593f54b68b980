import { reasonOf } from '../base/clock.js';
import { LockTimeoutError, StoreTimeoutError } from '../base/errors.js';
import type { ReleaseOutcome } from '../store/lock-operations.js';
import { Acquisition } from './acquisition.js';
import { firstName, Lease, type LossReason } from './lease.js';
import { LeaseWatchdog } from './lease-watchdog.js';
import type { LockDependencies } from './lock-dependencies.js';
import { type ResolvedLockOptions, resolveMaxPending, resolveMaxWaiters } from './lock.options.js';
import { groupBySlot } from './slot-groups.js';
import { WaitingRoom } from './waiting-room.js';

/** What one caller wants, in any number of slots. */
export interface Want {
  readonly names: readonly string[];
  readonly token: string;
  readonly options: ResolvedLockOptions;
  /** Each of them ends the waiting. */
  readonly signals: readonly AbortSignal[];
  /** Leases that the caller has entered once more and that become one lock with the new ones. */
  readonly beside: readonly Lease[];
}

/** The leases of this process: takes them, all or none, keeps them alive and gives them back. */
export class LeaseRegistry {
  private readonly room: WaitingRoom;
  private readonly watchdog: LeaseWatchdog;
  private readonly acquisition: Acquisition;
  private readonly leases = new Set<Lease>();
  /** Callers that are about to get leases, or not. */
  private taking = 0;

  constructor(private readonly deps: LockDependencies) {
    const { store, clock, random, report, options } = deps;
    this.room = new WaitingRoom(store, clock, resolveMaxPending(options));
    this.watchdog = new LeaseWatchdog(store, clock, report);
    this.acquisition = new Acquisition(store, this.room, clock, random, report, resolveMaxWaiters(options));
  }

  /** Nothing is held, and nothing is on its way that could still take or give back a lock. */
  get isIdle(): boolean {
    return this.leases.size === 0 && this.taking === 0 && this.acquisition.isIdle;
  }

  /**
   * Takes the names slot by slot. Every process goes through slots and names in the same order, so that nobody waits in
   * a circle; what was taken before a failure is given back, and what was entered is left.
   */
  async take(want: Want): Promise<readonly Lease[]> {
    const deadlineMs = this.deps.clock.now() + want.options.waitMs;
    const taken: Lease[] = [];
    this.taking++;
    try {
      for (const names of groupBySlot(this.deps.store, [...want.names].sort(), (name) => name)) {
        taken.push(await this.takeSlot(names, want, deadlineMs));
      }
      await this.join(taken, want.beside);
      return taken;
    } catch (error) {
      // Without minHold: the lock as a whole was never held.
      await Promise.all([
        ...taken.map((lease) => this.release(lease, 0)),
        ...want.beside.map((lease) => this.release(lease)),
      ]);
      throw error;
    } finally {
      this.taking--;
    }
  }

  /** Gives back one hold; the last one frees the lease. Never throws. */
  async release(lease: Lease, minHoldMs = lease.options.minHoldMs): Promise<ReleaseOutcome | 'unknown'> {
    if (--lease.holds > 0) return lease.isHeld() ? 'released' : 'lost';
    const { names, token } = lease;
    this.watchdog.unwatch(lease);
    lease.end();
    try {
      return await this.deps.store.releaseLocks({ names, token, minHoldMs });
    } catch (error) {
      this.deps.report(error, { during: 'lock release', details: { names } });
      // Behind the caller's back: others shall not wait for the end of a lease that nobody holds.
      void this.acquisition.withdraw({ names, token, leaseMs: lease.options.leaseMs, minHoldMs });
      return 'unknown';
    } finally {
      this.leases.delete(lease);
    }
  }

  /** Fires the signals of everything that is held. */
  loseAll(reason: LossReason): void {
    for (const lease of this.leases) lease.lose(reason);
  }

  /** Stops to renew and to listen; what is held still ends with its lease, and is answered. */
  close(): readonly Lease[] {
    this.watchdog.close();
    this.acquisition.close();
    this.room.close();
    for (const lease of this.leases) lease.end();
    return [...this.leases];
  }

  private async takeSlot(
    names: readonly string[],
    { token, options, signals }: Want,
    deadlineMs: number,
  ): Promise<Lease> {
    const grant = await this.acquisition.acquire({ names, token, leaseMs: options.leaseMs, deadlineMs, signals });
    const lease = new Lease(names, token, grant, options, this.deps.clock);
    this.leases.add(lease);
    this.watchdog.watch(lease, { confirm: grant.isClaim });
    return lease;
  }

  /** Makes one lock of several leases: all of them held now, under one fence. */
  private async join(taken: readonly Lease[], beside: readonly Lease[]): Promise<void> {
    const all = [...beside, ...taken];
    if (all.length === 1) return;
    if (groupBySlot(this.deps.store, all, firstName).length > 1) await this.raiseFences(all);
    const lost = all.find((lease) => !lease.isHeld());
    if (lost === undefined) return;
    if (beside.includes(lost)) throw reasonOf(lost.signal);
    const [name] = lost.names;
    throw new LockTimeoutError(`the lock ${firstName(lost)} was lost while the other names were taken; try again`, {
      details: { name },
    });
  }

  /** Slots have clocks of their own: gives all of them the largest fence, so that every name's next one is larger. */
  private async raiseFences(leases: readonly Lease[]): Promise<void> {
    const fence = Math.max(...leases.map((lease) => lease.fence));
    const lower = leases
      .filter((lease) => lease.fence < fence)
      .flatMap((lease) => lease.names.map((name) => ({ lease, name })));
    const outcomes = await this.deps.store.renewLocks(
      lower.map(({ lease, name }) => ({ name, token: lease.token, leaseMs: lease.nextLeaseMs(), fence })),
    );
    lower.forEach(({ lease, name }, i) => {
      const outcome = outcomes[i] ?? 'unknown';
      if (outcome === 'lost') lease.lose('taken');
      if (outcome === 'unknown') {
        throw new StoreTimeoutError(`the store did not confirm the lock ${name} beside the other names`, {
          details: { name },
        });
      }
      lease.raiseFence(fence);
    });
  }
}

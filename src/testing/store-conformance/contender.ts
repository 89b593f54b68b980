import assert from 'node:assert/strict';
import type {
  AcquireOutcome,
  AcquireRequest,
  ReleaseOutcome,
  ReleaseRequest,
  RenewOutcome,
  RenewRequest,
} from '../../store/lock-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { BRIEF_MS, LONG_MS, TICK_MS } from './case-times.js';
import type { StoreHarness } from './store-harness.js';

/** One name or several. */
export type Names = string | readonly string[];

/** Somebody who wants locks: a token in one process. Everything it asks for lasts long unless it says otherwise. */
export class Contender {
  constructor(
    readonly store: CacheTxnStore,
    readonly token: string,
  ) {}

  /** Tries without queueing. */
  acquire(names: Names, changes: Partial<AcquireRequest> = {}): Promise<AcquireOutcome> {
    return this.store.acquireLocks({
      names: listOf(names),
      token: this.token,
      leaseMs: LONG_MS,
      claimMs: LONG_MS,
      queueMs: 0,
      maxWaiters: 100,
      ...changes,
    });
  }

  /** Acquires without queueing and answers the fence; fails the case when it cannot. */
  async hold(names: Names, changes: Partial<AcquireRequest> = {}): Promise<number> {
    const outcome = await this.acquire(names, changes);
    assert(outcome.kind === 'acquired', `${this.token} acquires ${String(names)}, but the answer is ${outcome.kind}`);
    return outcome.fence;
  }

  /** Acquires and queues where somebody else is in the way. */
  join(names: Names, changes: Partial<AcquireRequest> = {}): Promise<AcquireOutcome> {
    return this.acquire(names, { queueMs: LONG_MS, ...changes });
  }

  /** Queues at `at`, by default the only name, and answers how long the holder has left; fails the case when it acquires. */
  async queue(names: Names, changes: Partial<AcquireRequest> = {}, at = listOf(names)[0]): Promise<number> {
    const outcome = await this.join(names, changes);
    assert(outcome.kind === 'queued', `${this.token} queues for ${String(names)}, but the answer is ${outcome.kind}`);
    assert.equal(outcome.name, at);
    return outcome.remainingMs;
  }

  async renew(name: string, changes: Partial<RenewRequest> = {}): Promise<RenewOutcome> {
    const outcomes = await this.store.renewLocks([{ name, token: this.token, leaseMs: LONG_MS, ...changes }]);
    assert.equal(outcomes.length, 1);
    return outcomes[0] ?? 'lost';
  }

  /** Whether the lock is its own now. Renews it when it is. */
  async holds(name: string): Promise<boolean> {
    return (await this.renew(name)) === 'held';
  }

  /** Lets the lease of its lock run out, as a holder does that has died; waiters keep their places. */
  async expire(name: string, elapse: StoreHarness['elapse']): Promise<void> {
    assert.equal(await this.renew(name, { leaseMs: BRIEF_MS }), 'held');
    await elapse(TICK_MS);
  }

  release(names: Names, changes: Partial<ReleaseRequest> = {}): Promise<ReleaseOutcome> {
    return this.store.releaseLocks({ names: listOf(names), token: this.token, ...changes });
  }
}

/** Four contenders, two in each process. */
export function contenders({
  store,
  second,
}: StoreHarness): Readonly<Record<'ann' | 'bob' | 'cid' | 'dan', Contender>> {
  return {
    ann: new Contender(store, 'ann'),
    bob: new Contender(second, 'bob'),
    cid: new Contender(store, 'cid'),
    dan: new Contender(second, 'dan'),
  };
}

function listOf(names: Names): readonly string[] {
  return typeof names === 'string' ? [names] : names;
}

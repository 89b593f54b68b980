import { callScope } from '../base/async-scope.js';
import type { Clock } from '../base/clock.js';
import { TransactionInDoubtError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { newId } from '../base/random.js';
import type { Committer } from '../commit/committer.js';
import type { EntryReader } from '../commit/entry-reader.js';
import type { Proposal } from '../commit/protocol/proposal.js';
import type { LockService } from '../lock/lock.service.js';
import type { VersionStrategy } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentAttempt, insideTransaction } from '../version/attempt.js';
import { noteCommitted, type ResourceCall } from '../version/resource-call.js';
import { readForCall } from '../version/resource-read.js';
import { ActiveTransaction, asTransaction, type FetchEntries, type TransactionOwner } from './active-transaction.js';
import { escalate } from './escalation.js';
import { Lifetime } from './lifetime.js';
import { callLocks, guardsOf, hasForeign, namedLocks, withLocksAround } from './lock-guards.js';
import type { TransactionOutcome, Work } from './transaction.js';
import type { ResolvedTransactionOptions, TransactionOptions } from './txn.options.js';

/** What transactions are made of. */
export interface RunnerDependencies {
  readonly owner: TransactionOwner;
  readonly store: CacheTxnStore;
  readonly locks: LockService;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly reader: EntryReader;
  readonly strategy: VersionStrategy;
  /** TTL of an entry that a commit has to make for a resource nobody cached. */
  readonly resourceTtlMs: number;
  readonly report: ErrorSink;
}

/** The life of a transaction: locks for an attempt that conflicted before, the work, its hooks, the commit, and the end. */
export class TransactionRunner {
  private readonly running = new Set<Lifetime>();
  private readonly fetch: FetchEntries;
  /** From copies in this process, which the commit compares. */
  private readonly fetchNear: FetchEntries;

  constructor(private readonly deps: RunnerDependencies) {
    this.fetch = (keys) => readForCall(deps.reader, keys);
    this.fetchNear = (keys) => readForCall(deps.reader, keys, true);
  }

  get isIdle(): boolean {
    return this.running.size === 0;
  }

  /** Rolls back what has not reached its commit. */
  abortAll(reason: Error): void {
    for (const lifetime of this.running) lifetime.abort(reason);
  }

  /** As {@link TransactionCoordinator.run}, once it is clear that a transaction begins here. */
  async run<T>(
    options: TransactionOptions,
    resolved: ResolvedTransactionOptions,
    fn: Work<T>,
    resource: ResourceCall | undefined,
  ): Promise<T> {
    const { clock, committer, locks, owner, report, store } = this.deps;
    const { number, contended } = currentAttempt(owner);
    const around = callLocks();
    const guards = new Set([...around, ...namedLocks(locks, options.locks)]);
    const lifetime = new Lifetime(clock, { timeoutMs: resolved.timeoutMs, locks: guards, signal: options.signal });
    const { ending } = lifetime;
    // Under a lock nobody expects a conflict.
    const mayBeOld = resolved.isolation === 'serializable' && guards.size === 0;
    const fetch = mayBeOld ? this.fetchNear : this.fetch;
    const txn = new ActiveTransaction(newId(), number, resolved, owner, ending, fetch, guards);
    const bindings = [
      asTransaction(owner, txn),
      ...insideTransaction(owner),
      withLocksAround({ locks: around, ending }),
    ];
    // Whoever took the locks gives them back when this fails at its time-out, while its method may still work.
    const keepLocks = (outliving: Promise<unknown>): void => {
      for (const lock of around) lock.keepFor(outliving);
    };
    const within = <R>(work: () => R | Promise<R>): Promise<R> =>
      lifetime.race(() => callScope.runAll(bindings, work), keepLocks);
    let outcome: TransactionOutcome = 'rolled-back';
    const commit = async (): Promise<void> => {
      txn.assertNotRollbackOnly();
      lifetime.assertAlive();
      if (!txn.hooks.areNone) await within(() => txn.hooks.runBeforeCommit());
      txn.assertNotRollbackOnly();
      lifetime.assertAlive();
      txn.startCommit();
      lifetime.close();
      noteCommitted(store, await committer.commit(this.proposal(txn, lifetime.deadlineMs, resource)));
      outcome = 'committed';
    };
    let committing: Promise<void> | undefined;
    txn.commitNow = () => (committing ??= commit());
    this.running.add(lifetime);
    try {
      const calm =
        contended.length > 0 ? await escalate(locks, contended, resolved.timeoutMs, ending.signal) : undefined;
      try {
        lifetime.assertAlive();
        const result = await within(() => fn(txn));
        // A database that decides has had it committed already; its method may have swallowed that this failed.
        await txn.commitNow();
        return result;
      } finally {
        if (calm) await calm();
      }
    } catch (error) {
      if (error instanceof TransactionInDoubtError) outcome = 'in-doubt';
      throw error;
    } finally {
      txn.end();
      lifetime.close();
      if (!txn.hooks.areNone) await txn.hooks.runAfter(outcome, report);
      this.running.delete(lifetime);
    }
  }

  private proposal(txn: ActiveTransaction, deadlineMs: number, resource: ResourceCall | undefined): Proposal {
    const { locks, resourceTtlMs, strategy } = this.deps;
    const demanded = resource?.precondition && { key: resource.key, expected: resource.precondition };
    // Whatever the method did to its resource, the next If-Match with the old tag must fail.
    if (resource?.isWrite && !txn.buffer.hasWrite(resource.key)) {
      txn.buffer.put(resource.key, { kind: 'bump', ttlMs: resourceTtlMs });
    }
    const operations = txn.buffer.operations(txn.options.isolation, strategy, demanded);
    const guards = guardsOf(txn.guards, locks);
    const isUrgent = hasForeign(txn.guards, locks);
    const assertLocksHeld = (): void => {
      for (const lock of txn.guards) lock.assertHeld();
    };
    const { decider, voters } = txn;
    return { txnId: txn.id, operations, guards, isUrgent, assertLocksHeld, deadlineMs, demanded, decider, voters };
  }
}

import { AsyncResource } from 'node:async_hooks';
import { present } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import {
  InvalidOptionsError,
  ShuttingDownError,
  TransactionInDoubtError,
  TransactionStateError,
} from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { isIdleWithin } from '../base/idle.js';
import { newId, type Random } from '../base/random.js';
import type { LockService } from '../lock/lock.service.js';
import type { CommitOperation, EntryRecord, VersionStrategy } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentAttempt, insideTransaction, outsideTransaction } from '../version/attempt.js';
import { retryConflicts } from '../version/conflict-retry.js';
import { currentResource, type ResourceCall } from '../version/resource-call.js';
import { readForCall } from '../version/resource-read.js';
import {
  resolveRetryOptions,
  resolveStrategy,
  type RetryOptions,
  type VersionModuleOptions,
} from '../version/version.options.js';
import {
  ActiveTransaction,
  currentTransaction,
  type FetchEntries,
  type TransactionOwner,
  withTransaction,
} from './active-transaction.js';
import { escalate } from './escalation.js';
import { Lifetime } from './lifetime.js';
import { callLocks, guardsOf, holdUntilSettled, namedLocks, withLocksAround } from './lock-guards.js';
import { NoTransaction } from './no-transaction.js';
import { type CommittedVersions, OneSlotCommit } from './one-slot-commit.js';
import { actionFor, isApart } from './propagation.js';
import type { Transaction, TransactionOutcome } from './transaction.js';
import { type BufferedWrite, TxnBuffer } from './txn-buffer.js';
import {
  type ResolvedTransactionOptions,
  resolveTransactionOptions,
  type TransactionModuleOptions,
  type TransactionOptions,
} from './txn.options.js';

/** What the coordinator is made of. */
export interface CoordinatorDependencies {
  readonly store: CacheTxnStore;
  readonly locks: LockService;
  readonly options: TransactionModuleOptions;
  readonly version: VersionModuleOptions;
  /** TTL of an entry that a commit has to make for a resource nobody cached. */
  readonly resourceTtlMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: ErrorSink;
}

type Work<T> = (txn: Transaction) => T | Promise<T>;

/**
 * Runs functions as transactions: their cache writes wait for the commit and become visible together, or not at all.
 */
export class TransactionCoordinator implements TransactionOwner {
  /** The name of the module that this service belongs to. */
  readonly storeName: string;
  private readonly committer: OneSlotCommit;
  private readonly strategy: VersionStrategy;
  private readonly running = new Set<Lifetime>();
  private isClosing = false;

  constructor(private readonly deps: CoordinatorDependencies) {
    this.storeName = deps.locks.storeName;
    resolveTransactionOptions({}, deps.options);
    resolveRetryOptions({}, deps.version);
    this.strategy = resolveStrategy(deps.version);
    this.committer = new OneSlotCommit(deps.store, deps.clock, deps.random);
  }

  /** The transaction of the present call; undefined outside one, and after it ended. */
  current(): Transaction | undefined {
    const txn = this.active();
    return txn?.isOver ? undefined : txn;
  }

  /**
   * Runs `fn` once, as `options.propagation` says, and commits when it succeeds. An error of `fn` rolls back and
   * passes through untouched.
   *
   * @throws VersionConflictError `VERSION_CONFLICT` when a key changed since it was read
   * @throws LockLostError `LOCK_LOST` when a lock of the call is no longer held
   * @throws TransactionTimeoutError `TXN_TIMEOUT`, TransactionRolledBackError `TXN_ROLLED_BACK`,
   * TransactionInDoubtError `TXN_IN_DOUBT`, TransactionStateError `TXN_STATE`, CrossSlotError `CROSS_SLOT`,
   * LimitExceededError `LIMIT_EXCEEDED`, StoreUnavailableError `STORE_UNAVAILABLE`
   */
  run<T>(fn: Work<T>): Promise<T>;
  run<T>(options: TransactionOptions, fn: Work<T>): Promise<T>;
  async run<T>(optionsOrFn: TransactionOptions | Work<T>, maybeFn?: Work<T>): Promise<T> {
    return this.execute(...split(optionsOrFn, maybeFn));
  }

  /** Like {@link run}, and runs `fn` again after a version conflict; `options.retry` and `forRoot({ version })` bound it. */
  runWithRetry<T>(fn: Work<T>): Promise<T>;
  runWithRetry<T>(options: TransactionOptions & { readonly retry?: RetryOptions }, fn: Work<T>): Promise<T>;
  async runWithRetry<T>(
    optionsOrFn: (TransactionOptions & { readonly retry?: RetryOptions }) | Work<T>,
    maybeFn?: Work<T>,
  ): Promise<T> {
    const [options, fn] = split(optionsOrFn, maybeFn);
    const retry = resolveRetryOptions(options.retry ?? {}, this.deps.version);
    const commitsItself = isApart(options.propagation);
    return retryConflicts({ ...retry, commitsItself }, { ...this.deps, owner: this }, options.signal, () =>
      this.execute(options, fn),
    );
  }

  /**
   * For the layer around decorated methods: like {@link run}, with the resource that it is this call's to commit.
   * @internal
   */
  async execute<T>(options: TransactionOptions, fn: Work<T>, resource?: ResourceCall): Promise<T> {
    const outer = this.active();
    const resolved = resolveTransactionOptions(options, this.deps.options);
    const action = actionFor(resolved.propagation, outer !== undefined);
    if (resource?.isWrite && action !== 'begin') {
      throw new TransactionStateError(
        `a transaction around the whole call would commit ${resource.key} without its If-Match; begin it inside, or use propagation requires_new`,
        { details: { key: resource.key } },
      );
    }
    switch (action) {
      case 'join':
        return this.join(this.part(outer, options), fn);
      case 'nest':
        return this.nest(this.part(outer, options), fn);
      case 'begin':
        return this.begin(options, resolved, fn, resource);
      case 'none':
        return outsideTransaction(this, () =>
          withTransaction(this, undefined, () => fn(new NoTransaction(currentAttempt().number, options.signal))),
        );
      case 'refuse':
        throw new TransactionStateError(
          outer
            ? 'propagation never: there is a transaction here'
            : `propagation ${resolved.propagation}: there is no transaction here`,
        );
    }
  }

  /**
   * For the cache: the transaction that a read or write of this module belongs to.
   * @internal
   */
  active(): ActiveTransaction | undefined {
    return currentTransaction(this);
  }

  /**
   * For the cache: reads without a transaction, within the limits of one.
   * @internal
   */
  async readAlone(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    new TxnBuffer(resolveTransactionOptions({}, this.deps.options)).admitReads(keys);
    return readForCall(this.deps.store, keys);
  }

  /**
   * For the cache: writes without a transaction, as a commit of their own, within the limits of one.
   * @internal
   */
  async writeAlone(writes: Iterable<readonly [string, BufferedWrite]>): Promise<CommittedVersions> {
    const buffer = new TxnBuffer(resolveTransactionOptions({}, this.deps.options));
    buffer.putAll(writes);
    return this.commitAlone(buffer.operations('read-committed', this.strategy));
  }

  /**
   * For the version service: one commit of its own, guarded by the locks of the call.
   * @internal
   */
  async commitAlone(operations: readonly CommitOperation[]): Promise<CommittedVersions> {
    const { clock, locks, options } = this.deps;
    const held = callLocks();
    this.assertOpen(held.length > 0);
    const { timeoutMs } = resolveTransactionOptions({}, options);
    const proposal = { txnId: newId(), operations, guards: guardsOf(held, locks), deadlineMs: clock.now() + timeoutMs };
    return this.noted(await this.committer.commit(proposal));
  }

  /** @internal */
  get versionStrategy(): VersionStrategy {
    return this.strategy;
  }

  /**
   * Refuses new transactions except those of calls that are running, waits up to `graceMs` for these, rolls back what
   * is left (`SHUTTING_DOWN`) and waits as long again for it to end.
   * @internal
   */
  async drain(graceMs: number): Promise<void> {
    const { clock } = this.deps;
    const isIdle = (): boolean => this.running.size === 0;
    this.isClosing = true;
    if (await isIdleWithin(clock, isIdle, graceMs)) return;
    for (const lifetime of this.running) {
      lifetime.abort(new ShuttingDownError('the application is closing; the transaction was rolled back'));
    }
    await isIdleWithin(clock, isIdle, graceMs);
  }

  /** The transaction that a part takes part in; what the part demands, the whole does. */
  private part(outer: ActiveTransaction | undefined, options: TransactionOptions): ActiveTransaction {
    const whole = present(outer, 'the transaction to take part in');
    whole.assertUsable();
    for (const lock of namedLocks(this.deps.locks, options.locks)) whole.guards.add(lock);
    return whole;
  }

  private async join<T>(outer: ActiveTransaction, fn: Work<T>): Promise<T> {
    try {
      return await fn(outer);
    } catch (error) {
      outer.markRollbackOnly('an inner transaction failed');
      throw error;
    }
  }

  private async nest<T>(outer: ActiveTransaction, fn: Work<T>): Promise<T> {
    const part = outer.nest();
    try {
      const result = await withTransaction(this, part, () => fn(part));
      part.assertNotRollbackOnly();
      outer.absorb(part);
      return result;
    } catch (error) {
      part.end();
      await part.hooks.runAfter('rolled-back', this.deps.report);
      throw error;
    }
  }

  private async begin<T>(
    options: TransactionOptions,
    resolved: ResolvedTransactionOptions,
    fn: Work<T>,
    resource: ResourceCall | undefined,
  ): Promise<T> {
    const { number, contended } = currentAttempt();
    const { clock, locks, store, report } = this.deps;
    const around = callLocks();
    this.assertOpen(around.length > 0 || this.current() !== undefined);
    const guards = new Set([...around, ...namedLocks(locks, options.locks)]);
    const lifetime = new Lifetime(clock, { timeoutMs: resolved.timeoutMs, locks: guards, signal: options.signal });
    const { ending } = lifetime;
    const fetch: FetchEntries = (keys) => readForCall(store, keys);
    const txn = new ActiveTransaction(newId(), number, resolved, this, ending, fetch, guards);
    const inside = <R>(run: () => R): R =>
      withTransaction(this, txn, () => insideTransaction(this, () => withLocksAround({ locks: around, ending }, run)));
    // Made here because a timer calls it, which may be anybody's.
    const call = new AsyncResource('Transaction');
    const holdOn = (work: Promise<unknown>): void => {
      call.runInAsyncScope(holdUntilSettled, undefined, around, work, report);
    };
    let outcome: TransactionOutcome = 'rolled-back';
    this.running.add(lifetime);
    try {
      const calm =
        contended.length > 0 ? await escalate(locks, contended, resolved.timeoutMs, ending.signal) : undefined;
      try {
        lifetime.assertAlive();
        const work = inside(() => this.work(txn, fn));
        const result = await lifetime.race(work, () => {
          holdOn(work);
        });
        lifetime.assertAlive();
        txn.startCommit();
        await this.commit(txn, lifetime.deadlineMs, resource);
        outcome = 'committed';
        return result;
      } finally {
        await calm?.();
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

  private async commit(txn: ActiveTransaction, deadlineMs: number, resource: ResourceCall | undefined): Promise<void> {
    const demanded = resource?.precondition && { key: resource.key, expected: resource.precondition };
    // Whatever the method did to its resource, the next If-Match with the old tag must fail.
    if (resource?.isWrite && !txn.buffer.hasWrite(resource.key)) {
      txn.buffer.put(resource.key, { kind: 'bump', ttlMs: this.deps.resourceTtlMs });
    }
    const versions = await this.committer.commit({
      txnId: txn.id,
      operations: txn.buffer.operations(txn.options.isolation, this.strategy, demanded),
      guards: guardsOf(txn.guards, this.deps.locks),
      deadlineMs,
      demanded,
    });
    this.noted(versions);
  }

  private async work<T>(txn: ActiveTransaction, fn: Work<T>): Promise<T> {
    const result = await fn(txn);
    txn.assertNotRollbackOnly();
    if (!txn.hooks.areNone) await txn.hooks.runBeforeCommit();
    txn.assertNotRollbackOnly();
    return result;
  }

  /** Whichever transaction of the call wrote its resource: the ETag must fit the body. */
  private noted(versions: CommittedVersions): CommittedVersions {
    const resource = currentResource(this.deps.store);
    const version = resource && versions.get(resource.key);
    if (version !== undefined) resource?.noteCommit(version);
    return versions;
  }

  /** What belongs to a running call may go on: the call is what the closing application waits for. */
  private assertOpen(isOfRunningCall: boolean): void {
    if (this.isClosing && !isOfRunningCall)
      throw new ShuttingDownError('the application is closing: no new transaction');
  }
}

function split<O extends TransactionOptions, T>(optionsOrFn: O | Work<T>, maybeFn: Work<T> | undefined): [O, Work<T>] {
  if (typeof optionsOrFn === 'function') return [{} as O, optionsOrFn];
  if (maybeFn === undefined) throw new InvalidOptionsError('run needs a function to run as a transaction');
  return [optionsOrFn, maybeFn];
}

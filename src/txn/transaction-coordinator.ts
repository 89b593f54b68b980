import { present } from '../base/assert.js';
import { callScope } from '../base/async-scope.js';
import type { Clock } from '../base/clock.js';
import { InvalidOptionsError, ShuttingDownError, TransactionStateError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { isIdleWithin } from '../base/idle.js';
import type { Random } from '../base/random.js';
import { rejecting } from '../base/rejecting.js';
import { shownAs } from '../base/shown-as.js';
import { Committer } from '../commit/committer.js';
import { EntryReader } from '../commit/entry-reader.js';
import type { LockService } from '../lock/lock.service.js';
import type { VersionStrategy } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentAttempt, outsideTransaction } from '../version/attempt.js';
import { retryConflicts } from '../version/conflict-retry.js';
import type { ResourceCall } from '../version/resource-call.js';
import {
  type ResolvedRetryOptions,
  resolveRetryOptions,
  resolveStrategy,
  type RetryOptions,
  type VersionModuleOptions,
} from '../version/version.options.js';
import {
  type ActiveTransaction,
  asTransaction,
  currentTransaction,
  innermostTransaction,
  type TransactionOwner,
} from './active-transaction.js';
import { isolateAttempt } from './isolated-attempt.js';
import { callLocks, namedLocks } from './lock-guards.js';
import { NoTransaction } from './no-transaction.js';
import { actionFor, isApart } from './propagation.js';
import { StandAlone } from './stand-alone.js';
import type { Transaction, Work } from './transaction.js';
import { TransactionRunner } from './transaction-runner.js';
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

/**
 * Runs functions as transactions: their cache writes wait for the commit and become visible together, or not at all.
 */
export class TransactionCoordinator implements TransactionOwner {
  /** The name of the module that this service belongs to. */
  readonly storeName: string;
  /** @internal For the cache and the version service: what happens outside of any transaction. */
  readonly alone: StandAlone;
  /** @internal */
  readonly versionStrategy: VersionStrategy;
  private readonly committer: Committer;
  private readonly runner: TransactionRunner;
  private readonly defaults: ResolvedTransactionOptions;
  private readonly retryDefaults: ResolvedRetryOptions;
  private isClosing = false;

  constructor(private readonly deps: CoordinatorDependencies) {
    const { clock, locks, random, store, report, resourceTtlMs } = deps;
    this.storeName = locks.storeName;
    this.defaults = resolveTransactionOptions({}, deps.options);
    this.retryDefaults = resolveRetryOptions({}, deps.version);
    this.versionStrategy = resolveStrategy(deps.version);
    this.committer = new Committer(store, clock, random);
    const common = {
      store,
      locks,
      clock,
      committer: this.committer,
      reader: new EntryReader(store),
      strategy: this.versionStrategy,
    };
    this.runner = new TransactionRunner({ ...common, owner: this, report, resourceTtlMs });
    this.alone = new StandAlone({ ...common, options: this.defaults, assertOpen: this.assertOpen.bind(this) });
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
   * TransactionAbortedError `TXN_ABORTED` when `options.signal` aborts, TransactionInDoubtError `TXN_IN_DOUBT`,
   * TransactionStateError `TXN_STATE`, LimitExceededError `LIMIT_EXCEEDED`,
   * StoreUnavailableError `STORE_UNAVAILABLE`, ShuttingDownError `SHUTTING_DOWN`; StoreTimeoutError `STORE_TIMEOUT` when it
   * only read
   */
  run<T>(fn: Work<T>): Promise<T>;
  run<T>(options: TransactionOptions, fn: Work<T>): Promise<T>;
  run<T>(optionsOrFn: TransactionOptions | Work<T>, maybeFn?: Work<T>): Promise<T> {
    return rejecting(() => this.execute(...split(optionsOrFn, maybeFn)));
  }

  /** Like {@link run}, and runs `fn` again after a version conflict; `options.retry` and `forRoot({ version })` bound it. */
  runWithRetry<T>(fn: Work<T>): Promise<T>;
  runWithRetry<T>(options: TransactionOptions & { readonly retry?: RetryOptions }, fn: Work<T>): Promise<T>;
  runWithRetry<T>(
    optionsOrFn: (TransactionOptions & { readonly retry?: RetryOptions }) | Work<T>,
    maybeFn?: Work<T>,
  ): Promise<T> {
    return rejecting(() => {
      const [options, fn] = split(optionsOrFn, maybeFn);
      const { clock, random, version } = this.deps;
      const retry = options.retry ? resolveRetryOptions(options.retry, version) : this.retryDefaults;
      const deps = { clock, random, owner: this, commitsItself: isApart(options.propagation) };
      return retryConflicts(retry, deps, options.signal, () => this.execute(options, fn));
    });
  }

  /**
   * For the layer around decorated methods: like {@link run}, with the resource that it is this call's to commit. It
   * throws what is wrong with the call itself.
   * @internal
   */
  execute<T>(options: TransactionOptions, fn: Work<T>, resource?: ResourceCall): Promise<T> {
    const outer = this.active();
    const resolved = isDefault(options) ? this.defaults : resolveTransactionOptions(options, this.deps.options);
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
        this.assertOpen(callLocks().length > 0 || innermostTransaction()?.isOver === false);
        return this.runner.run(options, resolved, fn, resource);
      case 'none':
        return this.without(options, fn);
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
   * Refuses new transactions except those of calls that are running, waits up to `graceMs` for these, rolls back what
   * is left (`SHUTTING_DOWN`) and waits as long again for it to end.
   * @internal
   */
  async drain(graceMs: number): Promise<void> {
    const { clock } = this.deps;
    const isIdle = (): boolean => this.runner.isIdle && this.committer.isIdle;
    this.isClosing = true;
    if (await isIdleWithin(clock, isIdle, graceMs)) return;
    this.runner.abortAll(new ShuttingDownError('the application is closing; the transaction was rolled back'));
    await isIdleWithin(clock, isIdle, graceMs);
  }

  /** The transaction that a part takes part in; what the part demands, the whole does. */
  private part(outer: ActiveTransaction | undefined, options: TransactionOptions): ActiveTransaction {
    const whole = present(outer, 'the transaction to take part in');
    whole.assertUsable();
    for (const lock of namedLocks(this.deps.locks, options.locks)) whole.guards.add(lock);
    return whole;
  }

  /**
   * For retries.
   * @internal
   */
  isolate<T>(attempt: () => Promise<T>): Promise<T> {
    return isolateAttempt(this, this.deps.report, attempt);
  }

  private async join<T>(outer: ActiveTransaction, fn: Work<T>): Promise<T> {
    try {
      return await fn(outer);
    } catch (error) {
      outer.markRollbackOnly('an inner transaction failed');
      throw error;
    }
  }

  private async without<T>(options: TransactionOptions, fn: Work<T>): Promise<T> {
    const none = new NoTransaction(currentAttempt(this).number, options.signal);
    return callScope.runAll([outsideTransaction(this), asTransaction(this, undefined)], () => fn(none));
  }

  private async nest<T>(outer: ActiveTransaction, fn: Work<T>): Promise<T> {
    const part = outer.nest();
    try {
      const result = await callScope.runAll([asTransaction(this, part)], () => fn(part));
      part.assertNotRollbackOnly();
      outer.absorb(part);
      return result;
    } catch (error) {
      part.end();
      await part.hooks.runAfter('rolled-back', this.deps.report);
      throw error;
    }
  }

  /** What belongs to a running call may go on: the call is what the closing application waits for. */
  private assertOpen(isOfRunningCall: boolean): void {
    if (this.isClosing && !isOfRunningCall)
      throw new ShuttingDownError('the application is closing: no new transaction');
  }
}

/** Nothing in it differs from the options of the module. */
function isDefault({ propagation, isolation, timeout, readOnly }: TransactionOptions): boolean {
  return (propagation ?? isolation ?? timeout ?? readOnly) === undefined;
}

function split<O extends TransactionOptions, T>(optionsOrFn: O | Work<T>, maybeFn: Work<T> | undefined): [O, Work<T>] {
  if (typeof optionsOrFn === 'function') return [{} as O, optionsOrFn];
  if (maybeFn === undefined) throw new InvalidOptionsError('run needs a function to run as a transaction');
  return [optionsOrFn, maybeFn];
}

shownAs(TransactionCoordinator, ({ storeName }) => ({ storeName }));

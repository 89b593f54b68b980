import { present } from '../base/assert.js';
import { callScope } from '../base/async-scope.js';
import type { Clock } from '../base/clock.js';
import { InvalidOptionsError, ShuttingDownError, TransactionStateError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { isIdleWithin } from '../base/idle.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { Random } from '../base/random.js';
import { rejecting } from '../base/rejecting.js';
import { Settlement } from '../base/settlement.js';
import { shownAs } from '../base/shown-as.js';
import { Committer } from '../commit/committer.js';
import { DatabaseArbiter } from '../commit/deciders/database-arbiter.js';
import { EntryReader } from '../commit/entry-reader.js';
import type {
  BeginDatabaseTransaction,
  BeginSavepoint,
  MarkingDatabase,
} from '../commit/deciders/transaction-database.js';
import { IntentResolver } from '../commit/recovery/intent-resolver.js';
import type { LockService } from '../lock/lock.service.js';
import type { EntryCopies } from '../store/entry-copies.js';
import type { VersionStrategy } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentAttempt, outsideTransaction } from '../version/attempt.js';
import { retryConflicts } from '../version/conflict-retry.js';
import type { ResourceCall } from '../version/resource-call.js';
import {
  type ResolvedRetryOptions,
  resolveRetryOptions,
  resolveStrategy,
  RETRY_OPTIONS,
  type VersionModuleOptions,
} from '../version/version.options.js';
import {
  type ActiveTransaction,
  asTransaction,
  currentTransaction,
  innermostTransaction,
  otherTransactions,
} from './active-transaction.js';
import { decideByDatabase, isWithinDatabase } from './database-session.js';
import { isolateAttempt } from './isolated-attempt.js';
import { callLocks, namedLocks } from './lock-guards.js';
import { nestPart, nestWithSavepoint } from './nested-part.js';
import { NoTransaction } from './no-transaction.js';
import { actionFor, isApart } from './propagation.js';
import { StandAlone } from './stand-alone.js';
import type { Transaction, Work } from './transaction.js';
import { TransactionRunner } from './transaction-runner.js';
import {
  type ResolvedTransactionOptions,
  resolveTransactionOptions,
  RUN_WITH_RETRY_OPTIONS,
  type RunWithRetryOptions,
  TRANSACTION_OPTIONS,
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
  /** Copies of entries in this process. */
  readonly copies?: EntryCopies | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: ErrorSink;
}

/**
 * Runs functions as transactions: their cache writes wait for the commit and become visible together, or not at all.
 */
// It is a TransactionOwner and has DatabaseTransactions without saying so: the published declarations lack what is internal.
export class TransactionCoordinator {
  /** The name of the module that this service belongs to. */
  readonly storeName: string;
  /** @internal */
  readonly databaseName: string | undefined;
  /** @internal For the cache and the version service: what happens outside of any transaction. */
  readonly alone: StandAlone;
  /** @internal */
  readonly versionStrategy: VersionStrategy;
  /** @internal */
  readonly store: CacheTxnStore;
  /** @internal One for the module: whoever meets what a transaction has left shares the question. */
  readonly arbiter: DatabaseArbiter;
  /** @internal */
  readonly resolver: IntentResolver;
  private readonly committer: Committer;
  private readonly runner: TransactionRunner;
  private readonly defaults: ResolvedTransactionOptions;
  private readonly retryDefaults: ResolvedRetryOptions;
  private readonly firstVoters = new Settlement();
  private phase: 'open' | 'draining' | 'over' = 'open';

  constructor(private readonly deps: CoordinatorDependencies) {
    const { clock, copies, locks, random, store, report, resourceTtlMs } = deps;
    this.storeName = locks.storeName;
    this.databaseName = deps.options.database?.name;
    this.defaults = resolveTransactionOptions({}, deps.options);
    this.retryDefaults = resolveRetryOptions({}, deps.version);
    this.versionStrategy = resolveStrategy(deps.version);
    this.store = store;
    this.arbiter = new DatabaseArbiter(deps.options.database);
    this.resolver = new IntentResolver(store, this.arbiter);
    this.committer = new Committer(store, clock, random, {
      arbiter: this.arbiter,
      copies,
      report,
      onVoters: () => {
        this.firstVoters.resolve();
      },
    });
    const common = {
      store,
      locks,
      clock,
      committer: this.committer,
      reader: new EntryReader(store, this.resolver, copies),
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
   * TransactionStateError `TXN_STATE`, LimitExceededError `LIMIT_EXCEEDED`, InvalidOptionsError `INVALID_OPTIONS`,
   * StoreUnavailableError `STORE_UNAVAILABLE`, ShuttingDownError `SHUTTING_DOWN`; StoreTimeoutError `STORE_TIMEOUT` when it
   * only read
   */
  run<T>(fn: Work<T>): Promise<T>;
  run<T>(options: TransactionOptions, fn: Work<T>): Promise<T>;
  run<T>(optionsOrFn: TransactionOptions | Work<T>, maybeFn?: Work<T>): Promise<T> {
    return rejecting(() => this.execute(...split(optionsOrFn, maybeFn, TRANSACTION_OPTIONS)));
  }

  /** Like {@link run}, and runs `fn` again after a version conflict; `options.retry` and `forRoot({ version })` bound it. */
  runWithRetry<T>(fn: Work<T>): Promise<T>;
  runWithRetry<T>(options: RunWithRetryOptions, fn: Work<T>): Promise<T>;
  runWithRetry<T>(optionsOrFn: RunWithRetryOptions | Work<T>, maybeFn?: Work<T>): Promise<T> {
    return rejecting(() => {
      const [options, fn] = split(optionsOrFn, maybeFn, RUN_WITH_RETRY_OPTIONS);
      if (options.retry !== undefined) onlyOptions(options.retry, RETRY_OPTIONS, 'retry');
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
        return nestPart(this, this.deps.report, this.undoable(this.part(outer, options)), fn);
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
   * For database adapters: runs a database transaction that decides the cache transaction of the call, or one that begins here. A
   * further one inside of it has one of its own; one beside or after it would be a second commit.
   *
   * @throws InvalidOptionsError `INVALID_OPTIONS` when it is not the database of the module
   * @throws TransactionStateError `TXN_STATE` when another one, which this one is not inside of, decides the cache transaction
   * @internal
   */
  withDatabase<T>(database: MarkingDatabase, begin: BeginDatabaseTransaction<T>): Promise<T> {
    return rejecting(() => {
      if (database !== this.deps.options.database) {
        throw new InvalidOptionsError(
          `${database.name} is not the database of this module: give the same object to forRoot({ txn: { database } })`,
        );
      }
      const outer = this.active();
      if (outer?.decider && !isWithinDatabase(outer)) throw decidedAlready(outer);
      const propagation = outer?.decider ? 'requires_new' : 'required';
      return this.execute({ propagation }, () =>
        decideByDatabase(present(this.active(), 'the transaction to decide'), database, begin, this.deps.clock),
      );
    });
  }

  /**
   * For database adapters: a savepoint of the database, and the same for the cache.
   * @internal
   */
  nestInDatabase<T>(begin: BeginSavepoint<T>): Promise<T> {
    return rejecting(() => {
      const outer = this.active();
      if (outer === undefined) return this.execute({ propagation: 'nested' }, () => begin(() => undefined));
      return nestWithSavepoint(this, this.deps.report, this.part(outer, {}), begin);
    });
  }

  /**
   * For the cache: the transaction that a read or write of this module belongs to.
   * @internal
   */
  active(): ActiveTransaction | undefined {
    return currentTransaction(this);
  }

  /**
   * Resolves when participants vote for the first time: from then on something may be left to clear up, in one slot too.
   * @internal
   */
  get hasVoters(): Promise<void> {
    return this.firstVoters.promise;
  }

  /**
   * Refuses new transactions except those of calls that are running, waits up to `graceMs` for these, rolls back what
   * is left (`SHUTTING_DOWN`) and waits as long again for it to end.
   * @internal
   */
  async drain(graceMs: number): Promise<void> {
    const { clock } = this.deps;
    const isIdle = (): boolean => this.runner.isIdle && this.committer.isIdle;
    this.phase = 'draining';
    if (await isIdleWithin(clock, isIdle, graceMs)) {
      this.committer.close();
      return;
    }
    this.phase = 'over';
    this.runner.abortAll(new ShuttingDownError('the application is closing; the transaction was rolled back'));
    await isIdleWithin(clock, isIdle, graceMs);
    this.committer.close();
  }

  /** The transaction that a part takes part in; what the part demands, the whole does. */
  private part(outer: ActiveTransaction | undefined, options: TransactionOptions): ActiveTransaction {
    const whole = present(outer, 'the transaction to take part in');
    whole.assertUsable();
    for (const lock of namedLocks(this.deps.locks, options.locks)) whole.guards.add(lock);
    return whole;
  }

  /** A part whose rows would stay when it is undone could leave entries older than these. */
  private undoable(whole: ActiveTransaction): ActiveTransaction {
    if (!isWithinDatabase(whole)) return whole;
    throw new TransactionStateError(
      'a nested part of the cache alone, within a database transaction, could be undone without its rows: begin the part in the database, ' +
        'with Propagation.Nested of its adapter',
      { details: { txnId: whole.id } },
    );
  }

  /**
   * For retries.
   * @internal
   */
  get canUndo(): boolean {
    return !otherTransactions(this).some(isWithinDatabase);
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

  /** What belongs to a running call may go on, as long as that is what the closing application waits for. */
  private assertOpen(isOfRunningCall: boolean): void {
    if (this.phase === 'open' || (this.phase === 'draining' && isOfRunningCall)) return;
    throw new ShuttingDownError('the application is closing: no new transaction');
  }
}

function decidedAlready({ id, decider }: ActiveTransaction): TransactionStateError {
  return new TransactionStateError(
    `a database transaction of ${String(decider?.name)} decides this cache transaction already; a second one would be a second commit: ` +
      'put both into one, or begin the second in a cache transaction of its own, with propagation requires_new',
    { details: { txnId: id } },
  );
}

/** Nothing in it differs from the options of the module. */
function isDefault({ propagation, isolation, timeout, readOnly }: TransactionOptions): boolean {
  return (propagation ?? isolation ?? timeout ?? readOnly) === undefined;
}

function split<O extends TransactionOptions, T>(
  optionsOrFn: O | Work<T>,
  maybeFn: Work<T> | undefined,
  names: OptionNames<O>,
): [O, Work<T>] {
  if (typeof optionsOrFn === 'function') return [{} as O, optionsOrFn];
  if (maybeFn === undefined) throw new InvalidOptionsError('run needs a function to run as a transaction');
  onlyOptions(optionsOrFn, names, 'a transaction');
  return [optionsOrFn, maybeFn];
}

shownAs(TransactionCoordinator, ({ storeName }) => ({ storeName }));

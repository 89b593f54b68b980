import type { LazyAbort } from '../base/abort.js';
import { type Binding, callScope, ScopeKey } from '../base/async-scope.js';
import { TransactionRolledBackError, TransactionStateError } from '../base/errors.js';
import { shownAs } from '../base/shown-as.js';
import {
  isDecider,
  type DecidingParticipant,
  type TransactionParticipant,
} from '../commit/participants/participant.js';
import type { LockHandle } from '../lock/lock-handle.js';
import type { EntryRecord } from '../store/entry-operations.js';
import type { Transaction, TransactionHook, TransactionOutcome } from './transaction.js';
import { Hooks } from './hooks.js';
import { type BufferedWrite, TxnBuffer, type View } from './txn-buffer.js';
import type { ResolvedTransactionOptions } from './txn.options.js';

/** The transactions of the present call, at most one for each store, innermost last. */
const CURRENT = new ScopeKey<readonly ActiveTransaction[]>('transactions');

/** The transaction of the present call in one store, whatever its state. */
export function currentTransaction(owner: TransactionOwner): ActiveTransaction | undefined {
  return callScope.get(CURRENT)?.find((txn) => txn.owner === owner);
}

/** The innermost transaction of the present call, of the store of that name or of any. */
export function innermostTransaction(storeName?: string): ActiveTransaction | undefined {
  return callScope.get(CURRENT)?.findLast(({ owner }) => storeName === undefined || owner.storeName === storeName);
}

/** `txn` as the transaction of its store; undefined hides an outer one. */
export function asTransaction(owner: TransactionOwner, txn: ActiveTransaction | undefined): Binding {
  const others = (callScope.get(CURRENT) ?? []).filter((other) => other.owner !== owner);
  return CURRENT.to(txn ? [...others, txn] : others);
}

/** The transactions of the present call in other stores that can still commit. */
export function otherTransactions(owner: TransactionOwner): readonly ActiveTransaction[] {
  return callScope.get(CURRENT)?.filter((txn) => txn.owner !== owner && txn.isUsable) ?? NONE;
}

/** These as the transactions of their stores. */
export function asTransactions(txns: readonly ActiveTransaction[]): Binding {
  const others = callScope.get(CURRENT)?.filter((other) => !txns.some(({ owner }) => owner === other.owner)) ?? NONE;
  return CURRENT.to([...others, ...txns]);
}

/** The coordinator that made a transaction: those of two stores in one call are strangers to each other. */
export interface TransactionOwner {
  readonly storeName: string;
  /** The name of the participant that may decide its transactions. */
  readonly databaseName: string | undefined;
}

const NONE: readonly ActiveTransaction[] = [];
const NOTHING: View = { value: undefined, version: 0 };

/** How to fetch entries that the transaction has not seen. */
export type FetchEntries = (keys: readonly string[]) => Promise<readonly (EntryRecord | undefined)[]>;

/**
 * A transaction while its code runs: buffer, hooks and state. It never talks to the store except through `fetch`.
 *
 * A nested part is an ActiveTransaction of its own over the same reads, signal and id; see {@link nest}.
 */
export class ActiveTransaction implements Transaction {
  readonly hooks = new Hooks();
  /** Who votes on the commit. */
  readonly voters: TransactionParticipant[] = [];
  /** Commits it now, while its code still runs: for the database that decides it. Set by whoever runs it. */
  commitNow: () => Promise<void> = () =>
    Promise.reject(new Error('this transaction commits with the one it is a part of'));
  private chosen: DecidingParticipant | undefined;
  private state: 'active' | 'committing' | 'ended' = 'active';
  private rollbackReason: string | undefined;

  constructor(
    readonly id: string,
    readonly attempt: number,
    readonly options: ResolvedTransactionOptions,
    readonly owner: TransactionOwner,
    private readonly ending: LazyAbort,
    private readonly fetch: FetchEntries,
    /** The locks that the commit demands; parts of the transaction may add to them. */
    readonly guards: Set<LockHandle>,
    readonly buffer: TxnBuffer = new TxnBuffer(options),
    private readonly whole?: ActiveTransaction,
  ) {}

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Who decides it, or what it is a part of, in place of a slot. */
  get decider(): DecidingParticipant | undefined {
    return this.chosen ?? this.whole?.decider;
  }

  /** It has ended, or is about to: nothing can be read, written or hooked in any more. */
  get isOver(): boolean {
    return this.state !== 'active';
  }

  /** A part whose writes and hooks count only when it succeeds. */
  nest(): ActiveTransaction {
    this.assertUsable();
    return new ActiveTransaction(
      this.id,
      this.attempt,
      this.options,
      this.owner,
      this.ending,
      this.fetch,
      this.guards,
      this.buffer.overlay(),
      this,
    );
  }

  /**
   * The nested part succeeded: its writes and hooks become this transaction's.
   * @throws TransactionStateError `TXN_STATE` when the part outlived this transaction, LimitExceededError `LIMIT_EXCEEDED`
   */
  absorb(part: ActiveTransaction): void {
    part.assertUsable();
    part.buffer.mergeIntoParent();
    part.hooks.moveTo(this.hooks);
    this.voters.push(...part.voters);
    this.rollbackReason ??= part.rollbackReason;
    part.end();
  }

  setRollbackOnly(reason = 'setRollbackOnly was called'): void {
    this.assertUsable();
    this.rollbackReason ??= reason;
  }

  enlist(participant: TransactionParticipant): void {
    this.assertUsable();
    if (!isDecider(participant)) this.voters.push(participant);
    else {
      this.assertMayDecide(participant);
      this.chosen = participant;
    }
  }

  beforeCommit(hook: TransactionHook): void {
    this.assertUsable();
    this.hooks.beforeCommit.push(hook);
  }

  afterCommit(hook: TransactionHook): void {
    this.assertUsable();
    this.hooks.afterCommit.push(hook);
  }

  afterRollback(hook: TransactionHook): void {
    this.assertUsable();
    this.hooks.afterRollback.push(hook);
  }

  afterCompletion(hook: (outcome: TransactionOutcome) => void | Promise<void>): void {
    this.assertUsable();
    this.hooks.afterCompletion.push(hook);
  }

  /** What the transaction sees of each key; fetches those it sees for the first time, in one call. */
  async read(keys: readonly string[]): Promise<readonly View[]> {
    this.assertUsable();
    await this.fetchAll([...new Set(keys)].filter((key) => this.buffer.view(key) === undefined));
    return keys.map((key) => this.buffer.view(key) ?? NOTHING);
  }

  /** What the store has, also of keys that the transaction has written or loaded; the commit compares it. */
  async readRecords(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    this.assertUsable();
    await this.fetchAll([...new Set(keys)].filter((key) => !this.buffer.hasRead(key)));
    return keys.map((key) => this.buffer.readRecord(key));
  }

  private async fetchAll(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    this.buffer.admitReads(keys);
    const records = await this.fetch(keys);
    this.assertUsable();
    keys.forEach((key, i) => this.buffer.recordRead(key, records[i]));
  }

  /**
   * Buffers all of the writes or none.
   * @throws TransactionStateError `TXN_STATE` when it is read-only or over, LimitExceededError `LIMIT_EXCEEDED`
   */
  write(writes: readonly (readonly [string, BufferedWrite])[]): void {
    this.assertUsable();
    if (this.options.readOnly) {
      const keys = writes.map(([key]) => key);
      throw new TransactionStateError(`the transaction is read-only; ${keys.join(', ')} cannot be written in it`, {
        details: { keys, txnId: this.id },
      });
    }
    this.buffer.putAll(writes);
  }

  /** No further reads, writes or hooks; what happens now is up to the coordinator. */
  startCommit(): void {
    this.assertUsable();
    this.state = 'committing';
  }

  end(): void {
    this.state = 'ended';
  }

  /** @throws TransactionRolledBackError `TXN_ROLLED_BACK` when it is marked rollback-only */
  assertNotRollbackOnly(): void {
    if (this.rollbackReason === undefined) return;
    throw new TransactionRolledBackError(
      `the transaction was marked rollback-only (${this.rollbackReason}); nothing was committed`,
      {
        details: { txnId: this.id },
      },
    );
  }

  /** Marks it, if it can still be marked: an inner `required` failed while its outer one may be over already. */
  markRollbackOnly(reason: string): void {
    this.rollbackReason ??= reason;
  }

  /** Whether it, and what it is a part of, can still commit. */
  get isUsable(): boolean {
    return this.ending.reason === undefined && this.state === 'active' && (this.whole?.isUsable ?? true);
  }

  private assertMayDecide({ name }: DecidingParticipant): void {
    const details = { txnId: this.id, participant: name };
    if (this.whole !== undefined) {
      throw new TransactionStateError(
        `${name} cannot decide a nested part, which may still be undone; begin the database transaction around it`,
        { details },
      );
    }
    if (this.chosen !== undefined) {
      throw new TransactionStateError(
        `${this.chosen.name} decides this transaction already; a second decider would be a second commit`,
        { details },
      );
    }
    if (name !== this.owner.databaseName) {
      throw new TransactionStateError(
        `${name} would decide this transaction, and nobody could ask it after a crash: give it to forRoot({ txn: { database } })`,
        { details },
      );
    }
  }

  /** @throws TransactionStateError `TXN_STATE` when it is over, else the reason of its signal when that has aborted */
  assertUsable(): void {
    this.whole?.assertUsable();
    if (this.ending.reason) throw this.ending.reason;
    if (this.state === 'active') return;
    const why = this.chosen
      ? `a database transaction of ${this.chosen.name} has ended the transaction with its COMMIT or ROLLBACK; what comes after it belongs into it, or needs a transaction of its own`
      : 'the transaction is over; work that outlives it must start its own';
    throw new TransactionStateError(why, { details: { txnId: this.id } });
  }
}

shownAs(ActiveTransaction, ({ id, attempt }) => ({ id, attempt }));

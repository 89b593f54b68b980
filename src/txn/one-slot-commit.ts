import { fullJitterMs } from '../base/backoff.js';
import { type Clock, sleep } from '../base/clock.js';
import {
  CrossSlotError,
  LockLostError,
  PreconditionFailedError,
  StoreTimeoutError,
  StoreUnavailableError,
  TransactionAbortedError,
  TransactionInDoubtError,
  VersionConflictError,
} from '../base/errors.js';
import type { Random } from '../base/random.js';
import type {
  CommitOperation,
  CommitOutcome,
  CommitRequest,
  Expectation,
  LockGuard,
  ResolveOutcome,
} from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';

/** How long the outcome of a commit can be asked for. */
const OUTCOME_KEPT_MS = 30_000;
/** An answer "aborted" that comes later than this after the commit was sent may only mean that the record has expired. */
const TRUST_ABORT_MS = OUTCOME_KEPT_MS - 2_000;
/** The least time left to ask for a lost answer, even when the transaction's own deadline has passed. */
const RESOLVE_AT_LEAST_MS = 2_000;
const RESOLVE_RETRY = { initialMs: 20, maxMs: 250 };

/** What the client of the call demands of one key. */
export interface Demand {
  readonly key: string;
  readonly expected: Expectation;
}

/** A transaction as the commit sees it. */
export interface Proposal {
  readonly txnId: string;
  readonly operations: readonly CommitOperation[];
  readonly guards: readonly LockGuard[];
  /** It relies on a lock of another store, which was looked at just now. */
  readonly isUrgent?: boolean;
  /** By the local clock: until then a lost answer is asked for. */
  readonly deadlineMs: number;
  /** The client's own condition (`If-Match`): its mismatch is a 412, not a conflict. */
  readonly demanded?: Demand | undefined;
}

/** Version of each written key after the commit. */
export type CommittedVersions = ReadonlyMap<string, number>;

/**
 * The commit of one slot: one script applies everything or nothing (protocol section 3).
 *
 * An answer that was lost is asked for; a commit that had not run by then is refused for good, so the caller learns
 * what happened rather than that something may have.
 */
export class OneSlotCommit {
  constructor(
    private readonly store: CacheTxnStore,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * @throws VersionConflictError, PreconditionFailedError, LockLostError, CrossSlotError, StoreUnavailableError: nothing
   * is visible, now or later
   * @throws TransactionInDoubtError `TXN_IN_DOUBT` when the store answered nobody in time
   */
  async commit(proposal: Proposal): Promise<CommittedVersions> {
    const { txnId, operations, guards } = proposal;
    if (operations.length === 0) return new Map();
    this.assertOneSlot(operations, guards);
    const writes = operations.some(({ kind }) => kind !== 'check');
    const outcomeTtlMs = writes ? OUTCOME_KEPT_MS : 0;
    const request: CommitRequest = {
      txnId,
      operations,
      guards,
      outcomeTtlMs,
      ...(proposal.isUrgent && { isUrgent: true }),
    };
    const sentAtMs = this.clock.now();
    let outcome: CommitOutcome;
    try {
      outcome = await this.store.commit(request);
    } catch (error) {
      if (!(error instanceof StoreTimeoutError) || !writes) throw error;
      outcome = await this.resolve(request, sentAtMs, proposal.deadlineMs);
      if (outcome.kind === 'aborted') {
        throw new StoreUnavailableError('the commit did not reach the store; nothing of it is visible', {
          cause: error,
          details: { txnId },
        });
      }
    }
    if (outcome.kind !== 'committed') throw refusal(outcome, proposal);
    const { versions } = outcome;
    return new Map(operations.map(({ key }, i) => [key, versions[i] ?? 0]));
  }

  private async resolve(request: CommitRequest, sentAtMs: number, deadlineMs: number): Promise<ResolveOutcome> {
    const untilMs = Math.min(Math.max(deadlineMs, this.clock.now() + RESOLVE_AT_LEAST_MS), sentAtMs + TRUST_ABORT_MS);
    let cause: unknown;
    let tries = 0;
    do {
      try {
        const outcome = await this.store.resolveCommit(request);
        if (outcome.kind === 'committed' || this.clock.now() < sentAtMs + TRUST_ABORT_MS) return outcome;
      } catch (error) {
        cause = error;
        await sleep(this.clock, fullJitterMs(++tries, RESOLVE_RETRY, this.random));
      }
    } while (this.clock.now() < untilMs);
    throw new TransactionInDoubtError(
      'the commit was sent, and the store answered neither it nor the question what became of it',
      {
        cause,
        details: { txnId: request.txnId, keys: request.operations.map(({ key }) => key) },
      },
    );
  }

  private assertOneSlot(operations: readonly CommitOperation[], guards: readonly LockGuard[]): void {
    const { store } = this;
    let first: number | undefined;
    const isFirst = (slot: number): boolean => slot === (first ??= slot);
    const areTogether =
      operations.every(({ key }) => isFirst(store.slotOf('entry', key))) &&
      guards.every(({ name }) => isFirst(store.slotOf('lock', name)));
    if (!areTogether) throw crossSlot(store, operations, guards);
  }
}

function crossSlot(
  store: CacheTxnStore,
  operations: readonly CommitOperation[],
  guards: readonly LockGuard[],
): CrossSlotError {
  const slots = new Map<number, string[]>();
  const note = (slot: number, what: string): void => {
    slots.set(slot, [...(slots.get(slot) ?? []), what]);
  };
  for (const { key } of operations) note(store.slotOf('entry', key), key);
  for (const { name } of guards) note(store.slotOf('lock', name), `lock ${name}`);
  const list = [...slots].map(([slot, keys]) => `slot ${slot}: ${keys.join(', ')}`).join('; ');
  return new CrossSlotError(
    `the transaction needs ${slots.size} cluster slots (${list}); give its keys and locks one hash tag such as {order-7}`,
    {
      details: { slots: Object.fromEntries(slots) },
    },
  );
}

function refusal(outcome: Exclude<CommitOutcome, { kind: 'committed' }>, { txnId, demanded }: Proposal): Error {
  switch (outcome.kind) {
    case 'lock-lost':
      return new LockLostError(
        `the lock ${outcome.name} is no longer held; the commit was refused and nothing is visible`,
        {
          details: { txnId, names: [outcome.name], reason: 'taken' },
        },
      );
    case 'aborted':
      return new TransactionAbortedError('the transaction was declared aborted before its commit arrived', {
        details: { txnId },
      });
    case 'intent':
      return new VersionConflictError(`another transaction is writing ${outcome.key}; nothing is visible`, {
        details: { txnId, keys: [outcome.key] },
      });
    case 'conflict': {
      const unmet = demanded && outcome.mismatches.find(({ key }) => key === demanded.key);
      if (unmet && (demanded.expected.kind === 'version' || unmet.actual === 0)) {
        return new PreconditionFailedError(
          `${unmet.key} is not at the version that the client demands; nothing is visible`,
          { details: { ...unmet } },
        );
      }
      const keys = outcome.mismatches.map(({ key }) => key);
      return new VersionConflictError(`${keys.join(', ')} changed since this transaction read it; nothing is visible`, {
        details: { txnId, keys },
      });
    }
  }
}

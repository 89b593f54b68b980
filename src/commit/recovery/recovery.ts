import { present } from '../../base/assert.js';
import { StoreTimeoutError, StoreUnavailableError } from '../../base/errors.js';
import type { ErrorSink } from '../../base/error-sink.js';
import type { OpenTransaction } from '../../store/intent-operations.js';
import { DATABASE_DECIDES } from '../../store/intent.js';
import type { RollOutcome } from '../../store/member-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import {
  type Command,
  type Move,
  proceed,
  recover,
  type Result,
  type Shape,
  type State,
} from '../protocol/protocol.js';
import { DatabaseArbiter } from '../deciders/database-arbiter.js';
import { rollNamesOf } from '../participants/roll-key.js';
import { LATE_PREPARE_REFUSED_MS, NEXT_RECOVERY_MS, OUTCOME_KEPT_MS, SETTLED_KEPT_MS } from '../protocol/times.js';

/** Transactions that are cleared up at the same time. */
const AT_ONCE = 64;
/** Batches of one sweep: what an owner that died has left is gone at once, and a sweep still ends. */
const MOST_BATCHES = 16;
/** Transactions whose trouble is told once; beyond it all are told again. */
const MOST_TOLD = 1_000;

/** It is overdue; where its intent is still there, that one's own deadline counts. */
const PASSED_MS = 0;
/** Its owner may still decide, unless its intent is there and says otherwise. */
const NOT_YET_MS = Number.MAX_SAFE_INTEGER;

/** What became of a transaction that somebody wanted settled; `pending`: its owner may still decide. */
export type Settlement = 'committed' | 'aborted' | 'pending';

/** Clears up after owners that have gone: transactions over several slots that should have been closed by now. */
export class Recovery {
  /** What cannot be cleared up is told once, not at every sweep. */
  private readonly told = new Set<string>();

  constructor(
    private readonly store: CacheTxnStore,
    private readonly report: ErrorSink,
    private readonly arbiter = new DatabaseArbiter(undefined),
  ) {}

  /**
   * Settles what is overdue, about 64 transactions at a time and 1,000 in all, and answers how many of them are closed now. One that a slot does
   * not let go waits a second, so that it is in nobody's way.
   *
   * @throws StoreUnavailableError, StoreTimeoutError when the store cannot say what is overdue
   */
  async clearUp(): Promise<number> {
    let all = 0;
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      const overdue = await this.store.overdueTransactions(AT_ONCE);
      const closed = await Promise.all(overdue.map((transaction) => this.close(transaction)));
      const count = closed.filter(Boolean).length;
      all += count;
      if (count === 0) break;
    }
    return all;
  }

  /**
   * Settles one transaction, unless its owner may still decide: that it is not overdue yet forbids to presume it aborted.
   *
   * @throws whatever kept a slot from settling. What is decided stands, and the next try goes on from there
   */
  async settle(transaction: OpenTransaction, isOverdue: boolean): Promise<Settlement> {
    const failures: unknown[] = [];
    const deadlineMs = isOverdue ? PASSED_MS : NOT_YET_MS;
    const { answer, isClosed } = await this.recover(transaction, deadlineMs, (error) => failures.push(error));
    if (!isClosed && failures.length > 0) throw failures[0];
    return answer === 'committed' ? 'committed' : answer === 'failed' ? 'aborted' : 'pending';
  }

  private async close(transaction: OpenTransaction): Promise<boolean> {
    try {
      const tell = (error: unknown): void => {
        this.tell(error, transaction);
      };
      if ((await this.recover(transaction, PASSED_MS, tell)).isClosed) return true;
      await this.store.openTransaction(transaction, this.isForOthers(transaction) ? 0 : NEXT_RECOVERY_MS);
    } catch (error) {
      if (!isAway(error)) this.report(error, { during: 'recovery of a transaction' });
    }
    return false;
  }

  /** Who cannot ask its database leaves it where those find it that can, whenever they look, and behind what is overdue as well. */
  private isForOthers({ decider }: OpenTransaction): boolean {
    return decider === DATABASE_DECIDES && !this.arbiter.canAsk;
  }

  private async recover(
    transaction: OpenTransaction,
    deadlineMs: number,
    tell: (error: unknown) => void,
  ): Promise<{ readonly answer: State['answer']; readonly isClosed: boolean }> {
    const parts = bySlot(this.store, transaction.keys);
    const decider = transaction.decider === DATABASE_DECIDES ? 'database' : 'slot';
    const shape: Shape = { decider, writing: parts.length, locking: 0, reads: 0, voters: 0 };
    let isClosed = false;
    let state: State;
    const play = async (move: Move): Promise<void> => {
      state = move.state;
      await Promise.all(
        move.commands.map(async (command) => {
          const result = await this.execute(command, transaction, deadlineMs, parts).catch((error: unknown): Result => {
            tell(error);
            return 'lost';
          });
          if (command.step === 'close') isClosed = result === 'done';
          await play(proceed(shape, state, command, result));
        }),
      );
    };
    const first = recover(shape);
    state = first.state;
    await play(first);
    return { answer: state.answer, isClosed };
  }

  /** Before the decision may be forgotten: those on other nodes might ask for it then, and be told that it was never made. */
  private async tellParticipants({ txnId, keys }: OpenTransaction, outcome: RollOutcome): Promise<void> {
    const rememberMs = outcome === 'committed' ? SETTLED_KEPT_MS : LATE_PREPARE_REFUSED_MS;
    for (const name of rollNamesOf(keys)) await this.store.concludeRoll({ name, txnId, outcome, rememberMs });
  }

  /** A store that is away is known to the log already. */
  private tell(error: unknown, { txnId, keys }: OpenTransaction): void {
    if (isAway(error) || this.told.has(txnId)) return;
    if (this.told.size >= MOST_TOLD) this.told.clear();
    this.told.add(txnId);
    this.report(error, { during: 'recovery of a transaction', details: { txnId, keys } });
  }

  private async execute(
    command: Command,
    transaction: OpenTransaction,
    deadlineMs: number,
    parts: readonly (readonly string[])[],
  ): Promise<Result> {
    const { store } = this;
    const { txnId } = transaction;
    const decider = present(transaction.keys[0], 'the key that decides');
    switch (command.step) {
      case 'ask': {
        const outcome =
          transaction.decider === DATABASE_DECIDES
            ? await this.arbiter.ask(txnId)
            : (await store.askDecision({ txnId, decider, deadlineMs })).kind;
        if (outcome === 'committed' || outcome === 'aborted') await this.tellParticipants(transaction, outcome);
        return resultOf(outcome);
      }
      case 'settle': {
        const keys = present(parts[command.part], 'a slot of the transaction');
        const rememberMs = command.verdict === 'committed' ? SETTLED_KEPT_MS : LATE_PREPARE_REFUSED_MS;
        const anchor = present(keys[0], 'a key of the slot');
        await store.settle({ txnId, verdict: command.verdict, keys, anchor, rememberMs });
        return 'done';
      }
      case 'retire':
        await store.retireDecision({ txnId, decider }, OUTCOME_KEPT_MS);
        return 'done';
      case 'close':
        await store.closeTransaction(transaction);
        return 'done';
      default:
        throw new Error(`a recovery does not ${command.step}`);
    }
  }
}

function resultOf(kind: string): Result {
  return kind === 'committed' ? 'done' : kind === 'aborted' ? 'refused' : 'lost';
}

/** In the order of the keys, so that the slot that decides comes first. */
export function bySlot(store: CacheTxnStore, keys: readonly string[]): readonly (readonly string[])[] {
  const slots = new Map<number, string[]>();
  for (const key of keys) {
    const slot = store.slotOf('entry', key);
    const known = slots.get(slot);
    if (known === undefined) slots.set(slot, [key]);
    else known.push(key);
  }
  return [...slots.values()];
}

function isAway(error: unknown): boolean {
  return error instanceof StoreTimeoutError || error instanceof StoreUnavailableError;
}

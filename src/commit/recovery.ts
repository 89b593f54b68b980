import { present } from '../base/assert.js';
import { StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { OpenTransaction } from '../store/intent-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { type Command, type Move, proceed, recover, type Result, type State } from './protocol.js';
import { LATE_PREPARE_REFUSED_MS, NEXT_RECOVERY_MS, OUTCOME_KEPT_MS, SETTLED_KEPT_MS } from './times.js';

/** Transactions that are cleared up at the same time. */
const AT_ONCE = 64;
/** Batches of one sweep: what an owner that died has left is gone at once, and a sweep still ends. */
const MOST_BATCHES = 16;
/** Transactions whose trouble is told once; beyond it all are told again. */
const MOST_TOLD = 1_000;

/** Clears up after owners that have gone: transactions over several slots that should have been closed by now. */
export class Recovery {
  /** What cannot be cleared up is told once, not at every sweep. */
  private readonly told = new Set<string>();

  constructor(
    private readonly store: CacheTxnStore,
    private readonly report: ErrorSink,
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

  private async close(transaction: OpenTransaction): Promise<boolean> {
    try {
      if (await this.recover(transaction)) return true;
      await this.store.openTransaction(transaction, NEXT_RECOVERY_MS);
    } catch (error) {
      if (!isAway(error)) this.report(error, { during: 'recovery of a transaction' });
    }
    return false;
  }

  private async recover(transaction: OpenTransaction): Promise<boolean> {
    const parts = bySlot(this.store, transaction.keys);
    const shape = { writing: parts.length, locking: 0, reads: 0 };
    let isClosed = false;
    let state: State | undefined;
    const play = async (move: Move): Promise<void> => {
      state = move.state;
      await Promise.all(
        move.commands.map(async (command) => {
          const result = await this.execute(command, transaction, parts).catch((error: unknown): Result => {
            this.tell(error, transaction);
            return 'lost';
          });
          if (command.step === 'close') isClosed = result === 'done';
          await play(proceed(shape, present(state, 'the state of a recovery'), command, result));
        }),
      );
    };
    await play(recover(shape));
    return isClosed;
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
    parts: readonly (readonly string[])[],
  ): Promise<Result> {
    const { store } = this;
    const { txnId } = transaction;
    const decider = present(transaction.keys[0], 'the key that decides');
    switch (command.step) {
      case 'ask': {
        // It is overdue; where its intent is still there, that one's own deadline counts.
        const { kind } = await store.askDecision({ txnId, decider, deadlineMs: 0 });
        return kind === 'committed' ? 'done' : kind === 'aborted' ? 'refused' : 'lost';
      }
      case 'settle': {
        const keys = present(parts[command.part], 'a slot of the transaction');
        const rememberMs = command.verdict === 'aborted' ? LATE_PREPARE_REFUSED_MS : SETTLED_KEPT_MS;
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

/** In the order of the keys, so that the slot that decides comes first. */
function bySlot(store: CacheTxnStore, keys: readonly string[]): readonly (readonly string[])[] {
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

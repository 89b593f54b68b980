import { hashSlot, SLOTS } from '../../store/hash-slot.js';
import { DATABASE_DECIDES } from '../../store/intent.js';
import type { ListedTransaction, OpenTransaction } from '../../store/intent-operations.js';
import type { KeySpace } from '../../store/key-space.js';
import type { CommandRunner } from './command-runner.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript } from './script.js';

/** Lists that the open transactions are spread over, so that no single server has to keep all of them: one in each sixteenth of the slots. */
const LISTS = 16;

/** In the order of the sixteenths that they lie in; only a cluster has anything to spread over. */
export function transactionLists(keys: KeySpace, isCluster: boolean): readonly string[] {
  if (!isCluster) return [keys.openTransactions(0)];
  const lists = new Map<number, string>();
  for (let number = 0; lists.size < LISTS; number += 1) {
    const list = keys.openTransactions(number);
    const sixteenth = sixteenthOf(list);
    if (!lists.has(sixteenth)) lists.set(sixteenth, list);
  }
  return [...lists].sort(([one], [other]) => one - other).map(([, list]) => list);
}

/** Neighbouring slots are on one server, as whoever makes a cluster spreads them. */
export function sixteenthOf(serverKey: string): number {
  return Math.floor((hashSlot(serverKey) * LISTS) / SLOTS);
}

/** Looks at the open transactions and what is decided about them, and changes nothing. */
export class TransactionList {
  private readonly script = loadScript('transaction-list');

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
    private readonly isCluster: boolean,
  ) {}

  /** Those first that are overdue before others; at most `limit`, rounded up to a multiple of the lists. */
  async list(limit: number): Promise<readonly ListedTransaction[]> {
    const lists = transactionLists(this.keys, this.isCluster);
    const each = Math.ceil(limit / lists.length);
    const found = await Promise.all(lists.map((list) => this.read(list, each)));
    const inOrder = found.flat().sort((one, other) => other.overdueMs - one.overdueMs);
    return Promise.all(inOrder.map(async (one) => ({ ...one, decision: await this.decisionOf(one) })));
  }

  private async read(list: string, limit: number): Promise<(OpenTransaction & { readonly overdueMs: number })[]> {
    const reply = ReplyReader.of(await this.runner.script(this.script, [list], [limit]), 'transaction-list');
    const nowMs = reply.number();
    const transactions = [];
    while (!reply.isDone) {
      const transaction = decodeTransaction(reply.text(), 'transaction-list');
      transactions.push({ ...transaction, overdueMs: nowMs - reply.number() });
    }
    return transactions;
  }

  /** A slot that does not answer, or whose record is foreign, is in nobody's way. */
  private async decisionOf(transaction: OpenTransaction): Promise<ListedTransaction['decision']> {
    if (transaction.decider === DATABASE_DECIDES) return 'database';
    const {
      txnId,
      keys: [decider = ''],
    } = transaction;
    const record = this.keys.outcome(this.keys.entry(decider), txnId);
    try {
      const decision = await this.runner.run('GET', () => this.runner.client.get(record));
      if (decision === null) return 'pending';
      return decision === 'aborted' ? 'aborted' : 'committed';
    } catch {
      return 'unknown';
    }
  }
}

/** The member of a list that stands for a transaction. No key is empty: an empty one in front says that a database decides. */
export function encodeTransaction({ txnId, keys, decider }: OpenTransaction): string {
  return JSON.stringify(decider === undefined ? [txnId, ...keys] : [txnId, decider, ...keys]);
}

/** @throws StoreReplyError `STORE_REPLY` for what {@link encodeTransaction} did not make */
export function decodeTransaction(member: string, from: string): OpenTransaction {
  const parts: unknown = safeParse(member);
  if (!Array.isArray(parts) || parts.length < 2 || !parts.every((part) => typeof part === 'string')) {
    throw unexpected(from, 'a transaction', member);
  }
  const [txnId = '', decider, ...others] = parts;
  if (decider === DATABASE_DECIDES) return { txnId, keys: others, decider };
  return { txnId, keys: parts.slice(1) };
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

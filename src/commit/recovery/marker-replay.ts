import { ReplicasBehindError } from '../../base/errors.js';
import { newId } from '../../base/random.js';
import type { OpenTransaction } from '../../store/intent-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { bySlot } from './recovery.js';
import { OUTCOME_KEPT_MS, SETTLED_KEPT_MS } from '../protocol/times.js';
import type { TransactionDatabase } from '../deciders/transaction-database.js';

/** The entry that says whose data have been made right. */
const KEY = 'nestjs-cache-txn/servers';
/** Transactions that are made void at the same time. */
const AT_ONCE = 64;

/** A replay that goes on until every transaction has ended that may have lost something. */
interface Replay {
  readonly servers: string;
  readonly done: Set<string>;
  /** All that began before it have to end first: one may have prepared before the failover, and commit after it. */
  readonly until: bigint;
  /** What was marked later has found the servers as they are: only where nobody knew of others, of which one may still take writes. */
  readonly markedUntilUs: bigint | undefined;
}

/**
 * Invalidates what was committed lately when the servers of the store have changed: one that was promoted or restarted may have lost
 * its last writes, and with them that an entry is older than its row (protocol, crash table).
 */
export class MarkerReplay {
  /** The servers whose data are known to be right, as far as this process knows. */
  private known: string | undefined;
  private underway: Replay | undefined;

  constructor(
    private readonly store: CacheTxnStore,
    private readonly database: Required<Pick<TransactionDatabase, 'recentlyCommitted'>>,
  ) {}

  /**
   * To be called again and again. Answers how many transactions it has made void.
   * @throws StoreUnavailableError, StoreTimeoutError, and what the database throws: then the next call goes on
   */
  async replayIfChanged(): Promise<number> {
    const servers = await this.store.identity();
    if (servers === this.known) return 0;
    const noted = this.underway?.servers === servers ? undefined : await this.notedServers();
    // Another process may have done it.
    if (noted === servers) {
      this.known = servers;
      return 0;
    }
    const { transactions, nowUs, endedBefore, nextBegin } = await this.database.recentlyCommitted();
    const markedUntilUs = noted === undefined ? nowUs : undefined;
    const replay: Replay =
      this.underway?.servers === servers
        ? this.underway
        : { servers, done: new Set(), until: nextBegin, markedUntilUs };
    this.underway = replay;
    const open = transactions.filter(({ txnId, markedAtUs }) => {
      const isOlder = replay.markedUntilUs === undefined || markedAtUs <= replay.markedUntilUs;
      return isOlder && !replay.done.has(txnId);
    });
    for (let from = 0; from < open.length; from += AT_ONCE) {
      await Promise.all(open.slice(from, from + AT_ONCE).map((transaction) => this.invalidate(transaction)));
    }
    for (const { txnId } of open) replay.done.add(txnId);
    if (endedBefore >= replay.until) {
      await this.note(servers);
      this.known = servers;
      this.underway = undefined;
    }
    return open.length;
  }

  /**
   * In its own name: a settlement of its owner that is still on its way must find no intent any more, and a copy of its prepare the
   * record that refuses it.
   */
  private async invalidate({ txnId, keys }: OpenTransaction): Promise<void> {
    await Promise.all(
      bySlot(this.store, keys).map((some) => {
        const [anchor = ''] = some;
        return this.store.settle({ txnId, verdict: 'void', keys: some, anchor, rememberMs: SETTLED_KEPT_MS });
      }),
    );
  }

  private async notedServers(): Promise<string | undefined> {
    const [entry] = await this.store.readEntries([KEY]);
    return entry?.value;
  }

  /**
   * With its outcome, which `replicas: 'all'` takes for the proof that a master has it. A replica that is behind is in nobody's way: where
   * a failover loses the note all begins anew.
   */
  private async note(servers: string): Promise<void> {
    const write = { kind: 'put', key: KEY, value: servers, ttlMs: 0, strategy: 'timestamp' } as const;
    try {
      await this.store.commit({ txnId: newId(), operations: [write], guards: [], outcomeTtlMs: OUTCOME_KEPT_MS });
    } catch (error) {
      if (!(error instanceof ReplicasBehindError)) throw error;
    }
  }
}

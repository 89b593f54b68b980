import type { MarkedTransaction, RecentCommits } from '../../../src/commit/deciders/transaction-database.js';
import type { TransactionFate } from '../../../src/commit/participants/participant.js';
import { DATABASE_DECIDES } from '../../../src/store/intent.js';
import type { Scheduler } from '../engine/scheduler.js';
import { connectionLost, DatabaseError, SQL_STATES } from './database-error.js';
import { RowLocks } from './row-locks.js';

/** A version of a row that was committed; `at` counts the commits of the whole database. */
export interface RowVersion {
  readonly value: string;
  readonly at: number;
  readonly atMs: number;
  /** The transaction of the cache that wrote it; `''` for what was there at first. */
  readonly txnId: string;
}

/** A row of the marker table. */
export interface Marker {
  readonly state: 'C' | 'A';
  readonly keys: readonly string[];
  readonly markedAtUs: bigint;
  readonly atMs: number;
}

/** What a database transaction has done when it commits. */
export interface Changes {
  readonly rows: ReadonlyMap<string, string>;
  readonly marker:
    { readonly txnId: string; readonly keys: readonly string[]; readonly markedAtUs: bigint } | undefined;
}

/** Something that uses the database: a transaction of a connection. */
export interface OpenTransaction {
  /** The number that it has since its first change. */
  readonly xid: bigint | undefined;
  /** The server ends, and with it whatever is not committed. */
  stop(): void;
}

/** Called when a transaction has become visible. */
export type OnCommit = (changes: Changes) => void;

/** Unlike the date of any slot. */
const START_MS = 1_704_067_300_000;
/** As `replay` of the markers of PostgreSQL is by default. */
const REPLAYED_MS = 300_000;
const NOTHING = JSON.stringify([]);

/**
 * One PostgreSQL server, as far as the protocol needs one: rows with their committed versions, marker rows, locks on both, and
 * transactions that end with their session. Each statement runs at one moment, unless it waits for a lock.
 */
export class SimDatabase {
  readonly locks: RowLocks;
  readonly markers = new Map<string, Marker>();
  /** Nobody is served before. */
  awayUntilMs = 0;
  private readonly rows: ReadonlyMap<string, RowVersion[]>;
  private readonly open = new Set<OpenTransaction>();
  private nextXid = 1n;
  private commits = 0;

  constructor(
    private readonly scheduler: Scheduler,
    keys: readonly string[],
    private readonly onCommit: OnCommit,
  ) {
    this.locks = new RowLocks(scheduler);
    const first = { value: NOTHING, at: 0, atMs: 0, txnId: '' };
    this.rows = new Map(keys.map((key) => [key, [first]]));
  }

  get nowUs(): bigint {
    return BigInt(Math.floor((START_MS + this.scheduler.nowMs) * 1_000));
  }

  /** What a transaction that begins now would see. */
  get snapshot(): number {
    return this.commits;
  }

  get openTransactions(): number {
    return this.open.size;
  }

  /** Every version that was committed, in order; undefined where there is no such row. */
  historyOf(key: string): readonly RowVersion[] | undefined {
    return this.rows.get(key);
  }

  /** What is committed, or was at a snapshot; undefined where there is no such row. */
  read(key: string, snapshot = this.commits): RowVersion | undefined {
    return this.rows.get(key)?.findLast(({ at }) => at <= snapshot);
  }

  begin(transaction: OpenTransaction): void {
    this.open.add(transaction);
  }

  newXid(): bigint {
    return this.nextXid++;
  }

  /** Rows and marker become visible in one step. */
  commit(transaction: OpenTransaction, changes: Changes): void {
    const { marker, rows } = changes;
    const atMs = this.scheduler.nowMs;
    this.commits += 1;
    const version = { at: this.commits, atMs, txnId: marker?.txnId ?? 'nobody' };
    for (const [key, value] of rows) this.rows.get(key)?.push({ ...version, value });
    if (marker !== undefined) this.markers.set(marker.txnId, { ...marker, state: 'C', atMs });
    this.onCommit(changes);
    this.end(transaction);
  }

  /** Whatever it has not committed is gone. */
  end(transaction: OpenTransaction, error = connectionLost()): void {
    this.open.delete(transaction);
    this.locks.release(transaction, error);
  }

  /** The server ends and comes back: what was committed is there, and nothing else. */
  restart(awayMs: number): void {
    this.awayUntilMs = this.scheduler.nowMs + awayMs;
    for (const transaction of [...this.open]) transaction.stop();
  }

  /** INSERT of a marker that says aborted, ON CONFLICT DO NOTHING: waits for an open one for `waitMs`. */
  async fence(txnId: string, waitMs: number): Promise<TransactionFate> {
    try {
      await this.locks.untilFree(markerName(txnId), waitMs);
    } catch (error) {
      if (error instanceof DatabaseError && error.code === SQL_STATES.lockNotAvailable) return 'pending';
      throw error;
    }
    const { markers, nowUs } = this;
    const known = markers.get(txnId);
    if (known !== undefined) return known.state === 'C' ? 'committed' : 'aborted';
    this.newXid();
    markers.set(txnId, { state: 'A', keys: [], markedAtUs: nowUs, atMs: this.scheduler.nowMs });
    return 'aborted';
  }

  /** In one snapshot. */
  recentlyCommitted(): RecentCommits {
    const { nextXid, nowUs } = this;
    const sinceUs = nowUs - BigInt(REPLAYED_MS * 1_000);
    const transactions = [...this.markers]
      .filter(([, { state, markedAtUs }]) => state === 'C' && markedAtUs > sinceUs)
      .map(([txnId, { keys, markedAtUs }]): MarkedTransaction => ({
        txnId,
        keys,
        markedAtUs,
        decider: DATABASE_DECIDES,
      }));
    const open = [...this.open].flatMap(({ xid }) => xid ?? []);
    const endedBefore = open.reduce((least, xid) => (xid < least ? xid : least), nextXid);
    return { transactions, nowUs, endedBefore, nextBegin: nextXid };
  }
}

/** What a marker row is locked as. */
export function markerName(txnId: string): string {
  return `the marker of ${txnId}`;
}

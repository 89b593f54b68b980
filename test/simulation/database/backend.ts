import type { ParticipantTransaction } from '../../../src/commit/participants/participant.js';
import type { Planned, Scheduler } from '../engine/scheduler.js';
import { connectionLost, DatabaseError, SQL_STATES } from './database-error.js';
import { type Changes, markerName, type OpenTransaction, type SimDatabase } from './sim-database.js';

/** The isolation levels of PostgreSQL that differ. */
export type RowIsolation = 'read committed' | 'repeatable read' | 'serializable';

/** As an application sets it: nobody shall wait for a row for ever. */
export const LOCK_TIMEOUT_MS = 2_000;

/** What the server keeps for one connection, and the transaction in it. */
export class Backend implements OpenTransaction {
  xid: bigint | undefined;
  /** Why it serves nobody any more. */
  terminatedBy: DatabaseError | undefined;
  private isolation: RowIsolation = 'read committed';
  private hasBegun = false;
  private state: 'none' | 'open' | 'failed' | 'committing' = 'none';
  private wasStopped = false;
  private snapshot: number | undefined;
  private readonly written = new Map<string, string>();
  /** The number of the version that was read of each row. */
  private readonly seen = new Map<string, number>();
  private marker: Changes['marker'];
  private idleLimitMs: number | undefined;
  private idleTimer: Planned | undefined;

  constructor(
    private readonly database: SimDatabase,
    private readonly scheduler: Scheduler,
  ) {}

  /** Runs one statement. An error fails the transaction; one that is idle for longer than its limit is ended. */
  async run<T>(statement: () => T | Promise<T>): Promise<T> {
    if (this.terminatedBy !== undefined) throw this.terminatedBy;
    this.idleTimer?.cancel();
    try {
      return await statement();
    } catch (error) {
      if (this.state === 'open') this.state = 'failed';
      throw error;
    } finally {
      this.becomeIdle();
    }
  }

  /** Without effect where there has been one in this session. */
  begin(isolation: RowIsolation): void {
    if (this.hasBegun || this.terminatedBy !== undefined) return;
    this.hasBegun = true;
    this.state = 'open';
    this.isolation = isolation;
    this.database.begin(this);
  }

  /** The session is over: rolls back. */
  terminate(error: DatabaseError): void {
    if (this.terminatedBy !== undefined) return;
    this.terminatedBy = error;
    if (this.state !== 'committing') this.rollback();
  }

  /** The server ends. */
  stop(): void {
    this.wasStopped = true;
    this.terminatedBy = connectionLost();
    this.rollback();
  }

  /** What is committed, outside of a transaction too; undefined where there is no such row. */
  select(key: string): string | undefined {
    const own = this.written.get(key);
    if (own !== undefined) return own;
    const row = this.database.read(key, this.state === 'none' ? undefined : this.snapshotOf());
    if (row !== undefined && this.state === 'open') this.seen.set(key, row.at);
    return row?.value;
  }

  /** `UPDATE … SET list = list || element RETURNING list` */
  async append(key: string, element: string): Promise<string> {
    this.assertOpen();
    const snapshot = this.snapshotOf();
    this.xid ??= this.database.newXid();
    await this.database.locks.acquire(key, this, LOCK_TIMEOUT_MS);
    if (this.terminatedBy !== undefined) throw this.terminatedBy;
    const row = this.database.read(key);
    if (row === undefined) throw new Error(`there is no row ${key}`);
    if (snapshot !== undefined && row.at > snapshot && !this.written.has(key)) throw serializationFailure(key);
    const value = JSON.stringify([...(JSON.parse(this.written.get(key) ?? row.value) as string[]), element]);
    this.written.set(key, value);
    return value;
  }

  /** Inserts the marker row, and limits how long this session may be idle from now on. */
  async mark({ id, keys, leftMs, isAskedFor }: ParticipantTransaction): Promise<void> {
    this.assertOpen();
    this.idleLimitMs = leftMs;
    if (!isAskedFor) return;
    const { database } = this;
    const markedAtUs = database.nowUs;
    this.xid ??= database.newXid();
    await database.locks.acquire(markerName(id), this, LOCK_TIMEOUT_MS);
    if (database.markers.has(id)) throw new DatabaseError(SQL_STATES.uniqueViolation, `${id} has a marker already`);
    this.marker = { txnId: id, keys, markedAtUs };
  }

  /**
   * Answers what the server says that it did: a transaction in which a statement has failed is rolled back, and that is no error.
   * @param stallMs how long it takes, for example until a replica has it: nothing is visible before, and nobody but a restart stops it
   */
  async commit(stallMs: number): Promise<'COMMIT' | 'ROLLBACK'> {
    if (this.state !== 'open') {
      this.rollback();
      return 'ROLLBACK';
    }
    if (this.isolation === 'serializable') {
      const [changed] = [...this.seen].find(([key, at]) => (this.database.read(key)?.at ?? 0) > at) ?? [];
      if (changed !== undefined) {
        this.rollback();
        throw serializationFailure(changed);
      }
    }
    if (stallMs > 0) {
      this.state = 'committing';
      await new Promise<void>((resolve) => this.scheduler.after(stallMs, resolve));
      if (this.wasStopped) throw connectionLost();
    }
    this.database.commit(this, { rows: this.written, marker: this.marker });
    this.reset();
    return 'COMMIT';
  }

  rollback(): void {
    this.database.end(this, this.terminatedBy);
    this.reset();
  }

  private becomeIdle(): void {
    const { idleLimitMs } = this;
    if (idleLimitMs === undefined || this.state === 'none' || this.terminatedBy !== undefined) return;
    this.idleTimer = this.scheduler.after(idleLimitMs, () => {
      this.terminate(new DatabaseError(SQL_STATES.idleInTransaction, `idle in transaction for ${idleLimitMs} ms`));
    });
  }

  private reset(): void {
    this.idleTimer?.cancel();
    this.state = 'none';
    this.xid = undefined;
    this.snapshot = undefined;
    this.idleLimitMs = undefined;
    this.marker = undefined;
    this.written.clear();
    this.seen.clear();
  }

  /** Of a transaction that sees one moment; undefined where each statement sees its own. */
  private snapshotOf(): number | undefined {
    if (this.isolation === 'read committed') return undefined;
    return (this.snapshot ??= this.database.snapshot);
  }

  private assertOpen(): void {
    if (this.terminatedBy !== undefined) throw this.terminatedBy;
    if (this.state === 'open') return;
    if (this.state === 'none') throw connectionLost();
    throw new DatabaseError(SQL_STATES.inFailedTransaction, 'a statement in this transaction has failed');
  }
}

function serializationFailure(key: string): DatabaseError {
  return new DatabaseError(SQL_STATES.serializationFailure, `${key} was changed by a concurrent transaction`);
}

/** What the database does for the protocol: transactions with row locks, and a marker row for each. */

export interface Sql {
  /** The committed rows, one for each key: the name of the transaction that wrote it last. */
  readonly rows: readonly string[];
  /** The one transaction of each owner. */
  readonly sessions: Readonly<Record<string, Session>>;
}

/** A transaction, with its marker row; a marker that says aborted is kept only while the transaction could still insert its own. */
export interface Session {
  /** Statements that have run, each of which has updated and locked a row. */
  readonly statements: number;
  readonly isMarked: boolean;
  readonly isFenced: boolean;
  readonly end: 'committed' | 'rolled back' | null;
}

/** Its marker row is inserted and not committed: a fence would wait for it. */
export function isOpen({ sessions }: Sql, txn: string): boolean {
  return sessions[txn]!.isMarked && sessions[txn]!.end === null;
}

export function withSession(sql: Sql, txn: string, change: Partial<Session>): Sql {
  return { ...sql, sessions: { ...sql.sessions, [txn]: { ...sql.sessions[txn]!, ...change } } };
}

/** The marker row is the last statement; after a fence it is a duplicate, which fails the whole transaction. */
export function mark(sql: Sql, txn: string): { sql: Sql; isDone: boolean } {
  const { end, isFenced } = sql.sessions[txn]!;
  if (end !== null) return { sql, isDone: false };
  if (isFenced) return { sql: ended(sql, txn, 'rolled back'), isDone: false };
  return { sql: withSession(sql, txn, { isMarked: true }), isDone: true };
}

/** Rows and marker become visible in one step. */
export function commit(sql: Sql, txn: string, writes: readonly number[]): { sql: Sql; isDone: boolean } {
  if (sql.sessions[txn]!.end !== null) return { sql, isDone: false };
  const rows = sql.rows.map((row, key) => (writes.includes(key) ? txn : row));
  return { sql: { ...ended(sql, txn, 'committed'), rows }, isDone: true };
}

export function rollBack(sql: Sql, txn: string): Sql {
  return ended(sql, txn, 'rolled back');
}

function ended(sql: Sql, txn: string, end: Session['end']): Sql {
  return withSession(sql, txn, { statements: 0, isMarked: false, isFenced: false, end });
}

/** The rules of the fence that a variant may break. */
export interface FenceRules {
  readonly fencesWait: boolean;
  readonly fencesStay: boolean;
}

/** Put-if-absent of a marker that says aborted; undefined while it would wait for an open one. */
export function fence(
  sql: Sql,
  { fencesWait, fencesStay }: FenceRules,
  txn: string,
): { sql: Sql; isCommitted: boolean } | undefined {
  const { end, isMarked } = sql.sessions[txn]!;
  if (end !== null) return { sql, isCommitted: end === 'committed' };
  if (isMarked) return fencesWait ? undefined : { sql, isCommitted: false };
  return { sql: fencesStay ? withSession(sql, txn, { isFenced: true }) : sql, isCommitted: false };
}

/** `serialization_failure` and `deadlock_detected` (PostgreSQL, appendix A). */
const CONCURRENCY = ['40001', '40P01'];
/** `idle_in_transaction_session_timeout`. */
const IDLE_IN_TRANSACTION = '25P03';
/** Prisma's word for both. */
const PRISMA_CONFLICT = 'P2034';
/** Mappers wrap the driver's error, and some wrap that again. */
const DEEPEST = 8;

/** The SQLSTATE that the server gave, however deeply a mapper has wrapped its error; undefined when it gave none. */
export function sqlStateOf(error: unknown): string | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < DEEPEST && typeof at === 'object' && at !== null; depth += 1) {
    const { code, cause, driverError } = at as { code?: unknown; cause?: unknown; driverError?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
    at = driverError ?? cause;
  }
  return undefined;
}

/** Whether the server ended the session because a transaction in it was idle for too long. */
export function isIdleLimit(error: unknown): boolean {
  return sqlStateOf(error) === IDLE_IN_TRANSACTION;
}

/** Whether the server ended the transaction because of another one at the same time. */
export function isConcurrencyFailure(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && [...CONCURRENCY, PRISMA_CONFLICT].includes(state);
}

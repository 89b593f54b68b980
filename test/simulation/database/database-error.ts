/** The SQLSTATEs that the simulated database gives (PostgreSQL, appendix A). */
export const SQL_STATES = {
  serializationFailure: '40001',
  deadlock: '40P01',
  lockNotAvailable: '55P03',
  uniqueViolation: '23505',
  inFailedTransaction: '25P02',
  idleInTransaction: '25P03',
  /** Not of the server: the driver says so of a connection that has ended without a word. */
  connectionLost: 'ECONNRESET',
} as const;

/** What the driver throws. */
export class DatabaseError extends Error {
  constructor(
    readonly code: (typeof SQL_STATES)[keyof typeof SQL_STATES],
    message: string,
  ) {
    super(message);
    this.name = 'DatabaseError';
  }
}

export function connectionLost(): DatabaseError {
  return new DatabaseError(SQL_STATES.connectionLost, 'the connection ended without a word');
}

import type { MarkingDatabase } from '../../../src/commit/deciders/transaction-database.js';

/** A database that decides whatever its transactions say, and that nobody needs to ask. */
export const silentDatabase: MarkingDatabase = {
  name: 'database',
  resolve: async () => 'aborted',
  markSql: () => 'MARK',
  isConflict: () => false,
  isTooLate: () => false,
};

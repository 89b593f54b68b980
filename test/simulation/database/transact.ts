import { StoreUnavailableError } from '../../../src/base/errors.js';
import type { BeginDatabaseTransaction } from '../../../src/commit/deciders/transaction-database.js';
import type { SimProcess } from '../world/sim-process.js';
import type { RowIsolation } from './backend.js';
import type { Connection, DatabaseLink } from './connection.js';
import { markOf } from './sim-markers.js';

/** Where a database transaction runs, and how. */
export interface Transacting {
  readonly link: DatabaseLink;
  readonly process: SimProcess;
  readonly isolation: RowIsolation;
}

/** A database transaction of a connection of its own, as `pgTransactional` runs one; its BEGIN goes along with the first statement. */
export function transact<T>(
  { link, process, isolation }: Transacting,
  work: (connection: Connection) => Promise<T>,
): BeginDatabaseTransaction<T> {
  return async (beforeCommit) => {
    const connection = link.connect(process, isolation);
    try {
      try {
        const result = await work(connection);
        await beforeCommit(
          (sql) => connection.query('mark', markOf(sql), (backend) => backend.mark(markOf(sql))),
          result,
        );
        await commit(connection, link.stallMs());
        return result;
      } catch (error) {
        await connection
          .query('ROLLBACK', undefined, (backend) => {
            backend.rollback();
          })
          .catch(() => undefined);
        throw error;
      }
    } finally {
      connection.close();
    }
  };
}

async function commit(connection: Connection, stallMs: number): Promise<void> {
  const done = await connection.query('COMMIT', undefined, (backend) => backend.commit(stallMs));
  if (done !== 'COMMIT') throw new StoreUnavailableError('the database rolled back: a statement had failed');
}

import type { Pool, PoolClient } from 'pg';

/**
 * Listens where an error that nobody hears would end the process: the server has restarted, or has ended a session. The pool replaces what is broken; of a
 * connection that somebody uses the statements say what is wrong.
 *
 * @param report hears of connections that nobody was using
 * @returns what ends it
 */
export function hearPoolErrors(pool: Pool, report: (error: Error) => void): () => void {
  const onConnect = (client: PoolClient): void => {
    client.on('error', ignore);
  };
  pool.on('error', report);
  pool.on('connect', onConnect);
  return () => {
    pool.off('error', report);
    pool.off('connect', onConnect);
  };
}

function ignore(): void {}

import type { Socket } from 'node:net';

import { type PgTransactional, pgTransactional } from 'nestjs-cache-txn/pg';
import type pg from 'pg';

/** What a transaction says to the database that decides it. `ask` is the fence, which others may say as well. */
export const DATABASE_OPERATIONS = ['mark', 'COMMIT', 'ROLLBACK', 'ask'] as const;
export type DatabaseOperation = (typeof DATABASE_OPERATIONS)[number];

/** As the faults of `FaultInjectingStore`: `run` does it at the database, and `txnId` tells for whom. */
export type DatabaseFault = (
  run: () => Promise<unknown>,
  call: { readonly operation: DatabaseOperation; readonly request: { readonly txnId: string } },
) => Promise<unknown>;

/** An error with this code comes with the end of the connection on which it was waited for. */
export const CONNECTION_LOST = 'ECONNRESET';

/** A door between the library and its database. */
export class DatabaseDoor {
  readonly db: PgTransactional;
  private fault: DatabaseFault = (run) => run();

  constructor(readonly pool: pg.Pool) {
    this.db = pgTransactional(watched(pool, 'connect', () => this.connect()));
    const resolve = this.db.resolve.bind(this.db);
    Object.assign(this.db, {
      resolve: (txnId: string) => this.fault(() => resolve(txnId), { operation: 'ask', request: { txnId } }),
    });
  }

  /** Everything meets it from now on. */
  always(fault: DatabaseFault): void {
    this.fault = fault;
  }

  /** Opens so many connections, so that nobody has to wait for one. */
  async warm(count: number): Promise<void> {
    const clients = await Promise.all(Array.from({ length: count }, () => this.pool.connect()));
    for (const client of clients) client.release();
  }

  /** A connection of the transaction of the call. */
  private async connect(): Promise<pg.PoolClient> {
    const txnId = this.db.transactions.active()?.id ?? '';
    const client = await this.pool.connect();
    const query = client.query.bind(client) as (...args: readonly unknown[]) => Promise<unknown>;
    return watched(client, 'query', async (...args: readonly unknown[]) => {
      const operation = operationOf(args[0]);
      if (operation === undefined) return query(...args);
      try {
        return await this.fault(() => query(...args), { operation, request: { txnId } });
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === CONNECTION_LOST) socketOf(client).destroy();
        throw error;
      }
    });
  }
}

function operationOf(sql: unknown): DatabaseOperation | undefined {
  if (sql === 'COMMIT' || sql === 'ROLLBACK') return sql;
  // The only statement that limits how long the session may be idle.
  return typeof sql === 'string' && sql.includes('idle_in_transaction_session_timeout') ? 'mark' : undefined;
}

function socketOf(client: pg.PoolClient): Socket {
  return (client as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream;
}

/** The same object with another method. */
function watched<T extends object>(object: T, method: keyof T & string, replacement: unknown): T {
  return new Proxy(object, {
    get(target, name) {
      if (name === method) return replacement;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' && name !== 'constructor' ? (value.bind(target) as unknown) : value;
    },
  });
}

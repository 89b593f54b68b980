import { InvalidOptionsError } from '../base/errors.js';

type Method = (this: unknown, sql: string) => unknown;

/** How the transactions of each mapper run a statement that is a text without parameters; the first that is there counts. */
const METHODS = [
  /** Prisma. */
  '$executeRawUnsafe',
  /** Knex. */
  'raw',
  /** TypeORM's EntityManager, pg, PGlite, MikroORM's connection. */
  'query',
  /** Drizzle. */
  'execute',
] as const;

/**
 * Runs a statement in a transaction of Prisma, Knex, TypeORM, pg or Drizzle.
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a transaction of anything else
 */
export async function runSql(tx: unknown, sql: string): Promise<unknown> {
  const methods = Object(tx) as Partial<Record<string, unknown>>;
  for (const name of METHODS) {
    // Drizzle has a `query` as well, which holds its tables.
    const method = methods[name];
    if (typeof method === 'function') return (method as Method).call(tx, sql);
  }
  throw new InvalidOptionsError(
    'withCacheTxn does not know how to run SQL in a transaction of this adapter: give it `run: (tx, sql) => …`',
    { details: { option: 'run' } },
  );
}

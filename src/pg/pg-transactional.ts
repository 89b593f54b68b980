import type { Pool, PoolClient } from 'pg';
import { callScope, ScopeKey } from '../base/async-scope.js';
import { oneOf, onlyOptions, type OptionNames } from '../base/option-checks.js';
import { StoreUnavailableError, TransactionStateError } from '../base/errors.js';
import { rejecting } from '../base/rejecting.js';
import { type PostgresMarkerOptions, PostgresMarkers } from './postgres-markers.js';

/** The isolation levels of PostgreSQL that differ. */
export type PgIsolation = 'read committed' | 'repeatable read' | 'serializable';

/** Options of one database transaction. */
export interface PgTransactionOptions {
  /** Default: what the server, the database or the role is set to. */
  readonly isolation?: PgIsolation;
}

const OPTIONS: OptionNames<PgTransactionOptions> = { isolation: true };
const LEVELS: readonly PgIsolation[] = ['read committed', 'repeatable read', 'serializable'];

/**
 * Transactions of a `pg` pool that commit together with the cache: give it to `forRoot({ txn: { database } })`, and run SQL and
 * cache writes in {@link PgTransactional.transaction}.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function pgTransactional(pool: Pool, options: PostgresMarkerOptions = {}): PgTransactional {
  return new PgTransactional(pool, options);
}

/** A database transaction of a call, and the cache transaction that it decides. */
interface Open {
  readonly client: PoolClient;
  readonly txnId: string | undefined;
  isOver: boolean;
}

export class PgTransactional extends PostgresMarkers {
  private readonly current = new ScopeKey<Open>('pg transaction');

  /** @internal */
  constructor(
    private readonly pool: Pool,
    options: PostgresMarkerOptions,
  ) {
    super(pool, options);
  }

  /**
   * Where SQL of the present call belongs: the connection of its transaction, or the pool outside of one, or where a cache
   * transaction of its own, or none, has begun inside.
   *
   * @throws TransactionStateError `TXN_STATE` in work that has outlived its transaction: the connection may be somebody else's
   */
  get client(): Pool | PoolClient {
    return this.open()?.client ?? this.pool;
  }

  /**
   * Runs `fn` in a database transaction that also commits the cache transaction of the call, or one that begins here: rows and
   * entries become visible together, or not at all. Within another one `fn` takes part in that.
   *
   * @throws what `fn`, the database and the commit of the cache throw; VersionConflictError `VERSION_CONFLICT` also for a
   * serialization failure or a deadlock; InvalidOptionsError `INVALID_OPTIONS`; TransactionStateError `TXN_STATE` beside or
   * after another one in the same cache transaction
   */
  transaction<T>(fn: (client: PoolClient) => Promise<T>, options: PgTransactionOptions = {}): Promise<T> {
    return rejecting(() => {
      onlyOptions(options, OPTIONS, 'transaction');
      const { isolation } = options;
      const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${oneOf(isolation, LEVELS, 'isolation')}`;
      const around = this.open();
      if (around !== undefined) return fn(around.client);
      return this.transactions.withDatabase<T>(this, async (beforeCommit) => {
        const client = await this.pool.connect();
        // Its statements say what is wrong with it; an error event that nobody hears would end the process.
        client.on('error', ignore);
        const open: Open = { client, txnId: this.transactions.active()?.id, isOver: false };
        let isBroken = true;
        try {
          await client.query(`BEGIN${level}`);
          try {
            const result = await callScope.run(this.current, open, async () => {
              const answer = await fn(client);
              // Hooks that run before the commit find the transaction here as well.
              await beforeCommit((sql) => client.query(sql), answer);
              return answer;
            });
            await commit(client);
            isBroken = false;
            return result;
          } catch (error) {
            open.isOver = true;
            await client.query('ROLLBACK').then(
              () => (isBroken = false),
              () => undefined,
            );
            throw error;
          }
        } finally {
          open.isOver = true;
          client.off('error', ignore);
          client.release(isBroken);
        }
      });
    });
  }

  private open(): Open | undefined {
    const open = callScope.get(this.current);
    if (open === undefined) return undefined;
    const txn = this.transactions.active();
    if (txn?.id !== open.txnId) return undefined;
    if (!open.isOver && txn?.isOver !== true) return open;
    throw new TransactionStateError('the database transaction is over; work that outlives it must start its own');
  }
}

function ignore(): void {}

/** A transaction in which a statement has failed is rolled back by its COMMIT, and the server calls that no error. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT');
  if (command === 'COMMIT') return;
  throw new StoreUnavailableError(
    'the database rolled the transaction back: a statement in it had failed; nothing is visible',
  );
}

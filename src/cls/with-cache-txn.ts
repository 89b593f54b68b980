import type { TransactionalAdapter, TransactionalAdapterOptions } from '@nestjs-cls/transactional';
import { present } from '../base/assert.js';
import { InvalidOptionsError } from '../base/errors.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { DatabaseTransactions, MarkingDatabase } from '../commit/deciders/transaction-database.js';
import { runSql } from './run-sql.js';

/** A database that has been given to a module, such as what `postgresMarkers` makes. */
export type Marker = MarkingDatabase & { readonly transactions: DatabaseTransactions };

/** Options of {@link withCacheTxn}. */
export interface CacheTxnAdapterOptions<TTx> {
  /** The same object as `forRoot({ txn: { database } })` of the module whose cache takes part. */
  readonly marker: Marker;
  /** Runs one statement without parameters in a transaction of the adapter. Default: known for Prisma, Knex, TypeORM, pg and Drizzle. */
  readonly run?: (tx: TTx, sql: string) => Promise<unknown>;
}

const OPTIONS: OptionNames<CacheTxnAdapterOptions<unknown>> = { marker: true, run: true };

const HOOKS = [
  'onModuleInit',
  'onModuleDestroy',
  'onApplicationBootstrap',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
] as const;

/**
 * Any adapter of `@nestjs-cls/transactional`, whose transactions also commit the cache transaction of the call, or one that
 * begins with them: `@CacheTxn()` may stand outside of `@Transactional()` or inside.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function withCacheTxn<TConnection, TTx, TOptions>(
  adapter: TransactionalAdapter<TConnection, TTx, TOptions>,
  options: CacheTxnAdapterOptions<TTx>,
): TransactionalAdapter<TConnection, TTx, TOptions> {
  onlyOptions(options, OPTIONS, 'withCacheTxn');
  const { marker, run = runSql } = options;
  if (typeof (marker as Partial<Marker> | undefined)?.markSql !== 'function') {
    throw new InvalidOptionsError('withCacheTxn: marker must be what postgresMarkers or pgTransactional makes', {
      details: { option: 'marker' },
    });
  }
  const wrapped: TransactionalAdapter<TConnection, TTx, TOptions> = {
    ...adapter,
    optionsFactory: (connection, extraProviders) =>
      decided(adapter.optionsFactory(connection, extraProviders), marker, run),
  };
  for (const hook of HOOKS) if (adapter[hook]) wrapped[hook] = adapter[hook].bind(adapter);
  return wrapped;
}

function decided<TTx, TOptions>(
  inner: TransactionalAdapterOptions<TTx, TOptions>,
  marker: Marker,
  run: (tx: TTx, sql: string) => Promise<unknown>,
): TransactionalAdapterOptions<TTx, TOptions> {
  const nested = inner.wrapWithNestedTransaction;
  return {
    ...inner,
    wrapWithTransaction: (options, fn, setTx) =>
      marker.transactions.withDatabase<unknown>(marker, (beforeCommit) => {
        let tx: TTx | undefined;
        const work = async (): Promise<unknown> => {
          const result: unknown = await fn();
          await beforeCommit((sql) => run(present(tx, 'the transaction of the adapter'), sql), result);
          return result;
        };
        const keepTx = (begun?: TTx): void => {
          tx = begun;
          setTx(begun);
        };
        // Hooks that run after the commit must not find a transaction that is over.
        return inner.wrapWithTransaction(options, work, keepTx).finally(() => setTx(undefined));
      }),
    ...(nested && {
      wrapWithNestedTransaction: (options, fn, setTx, tx) =>
        marker.transactions.nestInDatabase<unknown>((beforeRelease) => {
          const work = async (): Promise<unknown> => {
            const result: unknown = await fn();
            beforeRelease();
            return result;
          };
          return nested.call(inner, options, work, setTx, tx);
        }),
    }),
  };
}

import { type TransactionalAdapter, TransactionHost } from '@nestjs-cls/transactional';
import { TransactionalAdapterDrizzleOrm } from '@nestjs-cls/transactional-adapter-drizzle-orm';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import knex, { type Knex } from 'knex';
import type pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';

/** Untyped, as each of them has a type of its own. */
type AnyAdapter = TransactionalAdapter<unknown, unknown, unknown>;

/** One mapper with its adapter, and how a test runs SQL with it. */
export interface Mapper {
  readonly adapter: AnyAdapter;
  /** Where the connection comes from. */
  readonly connections: DynamicModule;
  /** Buys a seat in the transaction of the call, or outside of any. */
  insert(host: TransactionHost<AnyAdapter>, seat: string, buyer: string): Promise<unknown>;
  close(): Promise<void>;
}

@Global()
@Module({})
class Connections {}

const CONNECTION = 'connection of the mapper';

function connectionsOf(connection: unknown): DynamicModule {
  return { module: Connections, providers: [{ provide: CONNECTION, useValue: connection }], exports: [CONNECTION] };
}

export const MAPPERS = {
  drizzle(pool: pg.Pool): Promise<Mapper> {
    const connection = drizzle(pool);
    return Promise.resolve({
      adapter: new TransactionalAdapterDrizzleOrm({ drizzleInstanceToken: CONNECTION }) as unknown as AnyAdapter,
      connections: connectionsOf(connection),
      insert: (host, seat, buyer) =>
        (host.tx as NodePgDatabase).execute(sql`INSERT INTO seats VALUES (${seat}, ${buyer})`),
      close: () => Promise.resolve(),
    });
  },

  async typeorm(_pool: pg.Pool, url: string): Promise<Mapper> {
    const connection = await new DataSource({ type: 'postgres', url }).initialize();
    return {
      adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: CONNECTION }) as unknown as AnyAdapter,
      connections: connectionsOf(connection),
      insert: (host, seat, buyer) =>
        (host.tx as EntityManager).query('INSERT INTO seats VALUES ($1, $2)', [seat, buyer]),
      close: () => connection.destroy(),
    };
  },

  knex(_pool: pg.Pool, url: string): Promise<Mapper> {
    const connection = knex({ client: 'pg', connection: url });
    return Promise.resolve({
      adapter: new KnexAdapter() as unknown as AnyAdapter,
      connections: connectionsOf(connection),
      insert: (host, seat, buyer) => (host.tx as Knex)('seats').insert({ id: seat, buyer }),
      close: () => connection.destroy(),
    });
  },
};

/** An adapter as somebody writes it who misses one. */
class KnexAdapter implements TransactionalAdapter<Knex, Knex, Knex.TransactionConfig> {
  readonly connectionToken = CONNECTION;
  readonly optionsFactory = (connection: Knex) => ({
    wrapWithTransaction: (
      options: Knex.TransactionConfig,
      fn: () => Promise<unknown>,
      setTx: (tx?: Knex) => void,
    ): Promise<unknown> =>
      connection.transaction((tx) => {
        setTx(tx);
        return fn();
      }, options),
    wrapWithNestedTransaction: (
      _options: Knex.TransactionConfig,
      fn: () => Promise<unknown>,
      setTx: (tx?: Knex) => void,
      outer: Knex,
    ): Promise<unknown> =>
      outer.transaction((tx) => {
        setTx(tx);
        return fn();
      }),
    getFallbackInstance: () => connection,
  });
}

/** The adapter, with hooks that a test can count. */
export function withHooks(adapter: AnyAdapter, heard: string[]): AnyAdapter {
  const note = (hook: string) => () => void heard.push(hook);
  return Object.assign(Object.create(adapter) as AnyAdapter, adapter, {
    onModuleInit: note('onModuleInit'),
    onModuleDestroy: note('onModuleDestroy'),
    onApplicationBootstrap: note('onApplicationBootstrap'),
    beforeApplicationShutdown: note('beforeApplicationShutdown'),
    onApplicationShutdown: note('onApplicationShutdown'),
  });
}

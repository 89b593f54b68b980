/**
 * An application that uses the whole public API. The version matrix compiles it, and does not run it, against the
 * declarations of the packed library with each supported major of NestJS and ioredis, as CommonJS and as ESM.
 */
import { Controller, Get, Inject, Injectable, Module, Param, Post } from '@nestjs/common';
import {
  ClsPluginTransactional,
  Transactional,
  type TransactionalAdapter,
  TransactionHost,
} from '@nestjs-cls/transactional';
import { Cluster, Redis } from 'ioredis';
import {
  CacheTxn,
  CacheTxnError,
  type CacheTxnErrorCode,
  CacheTxnModule,
  type CacheTxnModuleOptions,
  type CacheStatistics,
  type CacheTxnOptionsFactory,
  CacheTxnStore,
  type Call,
  type Codec,
  CurrentLock,
  CurrentTxn,
  type Duration,
  FenceToken,
  getCacheTxnToken,
  InjectLockService,
  jsonCodec,
  type Lock,
  Locked,
  LockLostError,
  LockService,
  LockSignal,
  memoryStore,
  redisStore,
  type Transaction,
  TransactionalCache,
  TransactionCoordinator,
  Versioned,
  VersionService,
} from 'nestjs-cache-txn';
import { withCacheTxn } from 'nestjs-cache-txn/cls';
import { msgpackCodec } from 'nestjs-cache-txn/msgpack';
import { markerTableSql, type PgTransactional, pgTransactional, postgresMarkers } from 'nestjs-cache-txn/pg';
import {
  CacheTxnTestingModule,
  FaultInjectingStore,
  ManualClock,
  MemoryBackend,
  storeConformanceCases,
} from 'nestjs-cache-txn/testing';
import { ClsModule } from 'nestjs-cls';
import pg from 'pg';

interface Event {
  readonly seats: number;
}

@Injectable()
class Events {
  constructor(
    @Inject(LockService) private readonly locks: LockService,
    @Inject(TransactionCoordinator) private readonly transactions: TransactionCoordinator,
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(VersionService) private readonly versions: VersionService,
    @InjectLockService('other') private readonly others: LockService,
  ) {}

  @Locked('report:{args.0}', { wait: 0, onBusy: 'skip', minHold: '1m' })
  async report(day: string): Promise<number> {
    const event = await this.cache.getEntry<Event>(`event:${day}`);
    return event === undefined ? 0 : event.value.seats + event.version;
  }

  async sell(id: string, wait: Duration): Promise<number> {
    return this.locks.withLock([`event:${id}`, 'events'], { wait, lease: '10s' }, async (lock) => {
      const sold = await this.transactions.runWithRetry(
        { retry: { attempts: 3 }, locks: [lock] },
        async (txn: Transaction) => {
          txn.afterCompletion((outcome) => void outcome.toUpperCase());
          const { seats } = (await this.cache.get<Event>(`event:${id}`)) ?? { seats: 0 };
          await this.cache.setMany({ [`event:${id}`]: { seats: seats - 1 } }, { ttl: '1h' });
          return txn.attempt;
        },
      );
      const next: Event = await this.cache.update<Event>('all', (event) => ({ seats: (event?.seats ?? 0) + sold }));
      return this.versions.compareAndSet('all', await this.versions.current('all'), next);
    });
  }

  @Locked('nightly', { store: 'other' })
  async nightly(): Promise<boolean> {
    return this.others.forceRelease('stuck', { fence: 1 });
  }

  async inspect(): Promise<readonly string[]> {
    const lock: Lock | null = await this.locks.tryAcquire('report');
    const outcome: 'released' | 'lost' | 'unknown' | undefined = await lock?.release();
    const names = [outcome ?? 'busy'];
    for await (const { name, fence } of this.locks.list('event:*')) names.push(`${name} ${fence}`);
    return names;
  }
}

@Controller('events')
class EventsController {
  constructor(@Inject(Events) private readonly events: Events) {}

  @Get(':id')
  @Versioned({ resource: 'event:{params.id}', etag: true })
  show(@Param('id') id: string): Promise<number> {
    return this.events.report(id);
  }

  @Post(':id')
  @Locked(({ request }: Call<{ user: { tenant: string } }>) => `tenant:${request.user.tenant}`, { lease: '2s' })
  @CacheTxn({ propagation: 'required', isolation: 'read-committed', timeout: '5s' })
  @Versioned({ attempts: 5, backoff: { initial: '10ms', max: 500 } })
  async buy(
    @Param('id') id: string,
    @CurrentLock() lock: Lock,
    @LockSignal() signal: AbortSignal,
    @FenceToken() fence: number,
    @CurrentTxn() txn: Transaction,
  ): Promise<string> {
    lock.assertHeld();
    signal.throwIfAborted();
    if (fence === 0) txn.setRollbackOnly('no fence');
    return this.events.sell(id, '2s').then(String, (error: unknown) => {
      if (error instanceof LockLostError) return error.code;
      const code: CacheTxnErrorCode | undefined = error instanceof CacheTxnError ? error.code : undefined;
      return code ?? 'other';
    });
  }
}

/** Every way to a server, each with ioredis' own types: clients and option objects that an application has already. */
export const stores: readonly CacheTxnStore[] = [
  memoryStore({ maxEntries: 1_000 }),
  redisStore({ url: 'redis://127.0.0.1:6379', commandTimeout: '1s', tls: {} }),
  redisStore({ client: new Redis({ lazyConnect: true }) }),
  redisStore({ client: new Cluster([{ host: '127.0.0.1', port: 7000 }], { lazyConnect: true }) }),
  redisStore({ cluster: { nodes: [{ port: 7000 }], options: { redisOptions: { password: 'secret' } } } }),
  redisStore({ sentinel: { sentinels: [{ host: '127.0.0.1', port: 26379 }], name: 'main' } }),
];

const defaults: CacheTxnModuleOptions = { namespace: 'shop', lock: { lease: '10s' }, version: { attempts: 5 } };

@Injectable()
class ShopOptions implements CacheTxnOptionsFactory {
  createCacheTxnOptions(): CacheTxnModuleOptions {
    return defaults;
  }
}

@Module({
  imports: [
    CacheTxnModule.forRootAsync({
      inject: [CacheTxnStore],
      useFactory: (store) => ({ ...defaults, store: store as CacheTxnStore }),
      isGlobal: true,
    }),
    CacheTxnModule.forRoot({ name: 'other', ...defaults }),
    CacheTxnModule.forRootAsync({ name: 'third', useClass: ShopOptions }),
    CacheTxnTestingModule.forRoot({ name: 'fourth', seed: 1 }),
  ],
  controllers: [EventsController],
  providers: [Events],
})
export class ConsumerModule {}

const pool = new pg.Pool();
const db: PgTransactional = pgTransactional(pool, { createTable: true, askTimeout: '100ms' });
const markers = postgresMarkers(pool, { table: 'app.cache_txn_marker' });
export const migration: string = markerTableSql('app.cache_txn_marker');

/** An adapter as those of `@nestjs-cls/transactional` are, with the driver's own connection. */
const adapter: TransactionalAdapter<pg.Pool, pg.Pool | pg.PoolClient, { readonly level?: string }> = {
  connection: pool,
  optionsFactory: (connection) => ({
    wrapWithTransaction: (_options, fn) => fn(),
    getFallbackInstance: () => connection,
  }),
};

@Injectable()
class Wallets {
  constructor(
    @Inject(TransactionHost) private readonly host: TransactionHost<typeof adapter>,
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
  ) {}

  @Transactional<typeof adapter>({ level: 'serializable' })
  async pay(id: string): Promise<void> {
    await this.host.tx.query('UPDATE wallets SET balance = 0 WHERE id = $1', [id]);
    await this.cache.set(`wallet:${id}`, 0);
  }

  async close(id: string): Promise<number | null> {
    return db.transaction(async (client) => (await client.query('DELETE FROM wallets WHERE id = $1', [id])).rowCount, {
      isolation: 'repeatable read',
    });
  }

  async balance(id: string): Promise<number | undefined> {
    const known = await this.cache.getOrLoadMany<number>(
      [`wallet:${id}`],
      (keys) => new Map(keys.map((key) => [key, 1])),
    );
    return known.get(`wallet:${id}`) ?? this.cache.getOrLoad<number>(`wallet:${id}`, () => 0, { ttl: '1m' });
  }
}

const json = jsonCodec();
const wrapped: Codec = {
  name: 'wrapped',
  encode: (value) => `!${json.encode(value)}`,
  decode: (text) => json.decode(text.slice(1)),
};
export const unreadable = ({ unreadable: count }: CacheStatistics): number => count;

@Module({
  imports: [
    CacheTxnModule.forRoot({ name: 'codec', cache: { codec: wrapped } }),
    CacheTxnModule.forRoot({ name: 'msgpack', cache: { codec: msgpackCodec() } }),
    CacheTxnModule.forRoot({ name: 'pg', txn: { database: db } }),
    CacheTxnModule.forRoot({ name: 'cls', txn: { database: markers } }),
    ClsModule.forRoot({
      plugins: [
        new ClsPluginTransactional({
          adapter: withCacheTxn(adapter, { marker: markers, run: (tx, sql) => tx.query(sql) }),
        }),
      ],
    }),
  ],
  providers: [Wallets],
})
export class WalletsModule {}

const clock = new ManualClock();
export const backend = new MemoryBackend({ timeUs: clock.timeUs });
export const faulty: CacheTxnStore = new FaultInjectingStore(memoryStore(), { clock, seed: 1 });
export const token = getCacheTxnToken(LockService, 'other');
export const conformance: readonly string[] = storeConformanceCases().map(({ name }) => name);

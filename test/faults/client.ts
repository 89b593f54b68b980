import 'reflect-metadata';
import { Inject, Injectable, Logger, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxn,
  CacheTxnModule,
  LockService,
  redisStore,
  TransactionalCache,
  TransactionCoordinator,
  Versioned,
  VersionService,
  type CacheTxnStore,
} from 'nestjs-cache-txn';

/** Times of the clients of fault tests, in ms: short, so that leases end and deadlines pass while a test looks on. */
export const TIMES = { lease: 600, wait: 1_500, command: 300, txn: 1_000, retryBudget: 2_000, grace: 1_000 } as const;

/** What is counted, with the calls that counted it. */
export interface Tally {
  readonly count: number;
  readonly ops: readonly TallyEntry[];
}

/** A counting call, and the fence of the lock under which it counted, if there was one. */
export interface TallyEntry {
  readonly op: string;
  readonly fence?: number;
}

/** The tally with one more. */
export function counted(tally: Tally = { count: 0, ops: [] }, entry: TallyEntry): Tally {
  return { count: tally.count + 1, ops: [...tally.ops, entry] };
}

@Injectable()
export class Counter {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  /** No lock: only the versions keep two of them apart. */
  @CacheTxn()
  @Versioned({ attempts: 30, budget: TIMES.retryBudget })
  async increment(key: string, op: string): Promise<void> {
    await this.cache.set(key, counted(await this.cache.get<Tally>(key), { op }));
  }
}

/** One application with the library in it. */
export interface FaultClient {
  readonly app: INestApplicationContext;
  readonly locks: LockService;
  readonly cache: TransactionalCache;
  readonly coordinator: TransactionCoordinator;
  readonly versions: VersionService;
  readonly counter: Counter;
  close(): Promise<void>;
}

export interface FaultClientOptions {
  readonly port: number;
  readonly namespace: string;
  /** Puts something between the library and its store. */
  readonly wrap?: (store: CacheTxnStore) => CacheTxnStore;
  readonly leaseMs?: number;
  /** Near copies, which nothing but a message takes away. */
  readonly near?: boolean;
}

export async function startClient(options: FaultClientOptions): Promise<FaultClient> {
  const { port, namespace, wrap = (store) => store, leaseMs = TIMES.lease, near = false } = options;
  const store = redisStore({
    host: '127.0.0.1',
    port,
    commandTimeout: TIMES.command,
    retryStrategy: () => 25,
    connectTimeout: 1_000,
    disconnectTimeout: 0, // By default a closed connection may keep this process for 2 s.
  });
  const library = CacheTxnModule.forRoot({
    store: wrap(store),
    namespace,
    lock: { lease: leaseMs, wait: TIMES.wait },
    txn: { timeout: TIMES.txn },
    version: { attempts: 30, budget: TIMES.retryBudget },
    cache: { near: near && { ttl: '1h' } },
    shutdownGrace: TIMES.grace,
  });
  @Module({ imports: [library], providers: [Counter] })
  class ClientModule {}
  // Outages are the business of these tests; Nest would print them.
  Logger.overrideLogger(false);
  const app = await NestFactory.createApplicationContext(ClientModule, { logger: false, abortOnError: false });
  return {
    app,
    locks: app.get(LockService),
    cache: app.get(TransactionalCache),
    coordinator: app.get(TransactionCoordinator),
    versions: app.get(VersionService),
    counter: app.get(Counter),
    close: () => app.close(),
  };
}

import 'reflect-metadata';
import { Inject, Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxnModule,
  Locked,
  LockService,
  redisStore,
  TransactionalCache,
  TransactionCoordinator,
  type Lock,
  type LockModuleOptions,
  type LockOptions,
  type RedisStoreOptions,
} from 'nestjs-cache-txn';

/** What a worker says about one time it held a lock; moments in ms of the machine's monotonic clock. */
export interface Held {
  readonly token: string;
  readonly fence: number;
  readonly fromMs: number;
  readonly toMs: number;
}

@Injectable()
class Counter {
  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  /** A plain read, then a write: only the lock makes it safe. */
  @Locked('counter')
  async increment(key: string): Promise<void> {
    const count = (await this.cache.get<number>(key)) ?? 0;
    await this.cache.set(key, count + 1);
  }
}

/** Same for every process of one machine, unlike performance.now(). */
function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

let app: INestApplicationContext;
let goOn: () => void = () => undefined;
let late: Promise<Late> | undefined;

/** How a call ended that was held up until it was too late. */
export interface Late {
  readonly isSignalled: boolean;
  readonly code: unknown;
}

export const calls = {
  async start(redis: RedisStoreOptions, namespace: string, lock: LockModuleOptions): Promise<void> {
    @Module({
      imports: [CacheTxnModule.forRoot({ store: redisStore(redis), namespace, lock })],
      providers: [Counter],
    })
    class WorkerModule {}
    app = await NestFactory.createApplicationContext(WorkerModule, { logger: false, abortOnError: false });
    // The first use of a script costs two calls.
    await (await app.get(LockService).acquire(`warm-up ${process.pid}`)).release();
  },

  async stop(): Promise<void> {
    await app.close();
  },

  async increment(key: string, times: number): Promise<void> {
    const counter = app.get(Counter);
    for (let i = 0; i < times; i += 1) await counter.increment(key);
  },

  /** Waits for the lock with several callers at once and holds it for a moment each. */
  async holdBriefly(name: string, callers: number): Promise<Held[]> {
    const one = async (): Promise<Held> => {
      const lock = await app.get(LockService).acquire(name, { wait: '1m' });
      const fromMs = machineMs();
      await new Promise((resolve) => setImmediate(resolve));
      const { token, fence } = lock;
      const toMs = machineMs();
      await lock.release();
      return { token, fence, fromMs, toMs };
    };
    return Promise.all(Array.from({ length: callers }, one));
  },

  /** Takes a lock and keeps it until the process ends. */
  async acquire(name: string, options: LockOptions): Promise<number> {
    return (await app.get(LockService).acquire(name, { wait: '1m', ...options })).fence;
  },

  /** Begins a locked transaction that writes `value`, ignores its signal, and would commit when it is told to. */
  async beginLate(name: string, key: string, value: string, lease: number): Promise<number> {
    return new Promise((begun, failed) => {
      const work = (lock: Lock): Promise<Late> =>
        app
          .get(TransactionCoordinator)
          .run({ timeout: '1m' }, async () => {
            await app.get(TransactionalCache).set(key, value);
            begun(lock.fence);
            await new Promise<void>((resolve) => (goOn = resolve));
          })
          .then(
            () => ({ isSignalled: lock.signal.aborted, code: 'committed' }),
            (error: unknown) => ({ isSignalled: lock.signal.aborted, code: (error as { code?: unknown }).code }),
          );
      late = app.get(LockService).withLock(name, { lease }, work);
      late.catch(failed);
    });
  },

  async finishLate(): Promise<Late> {
    goOn();
    return late!;
  },
};

import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxnModule,
  LockService,
  memoryStore,
  redisStore,
  TransactionalCache,
  TransactionCoordinator,
} from 'nestjs-cache-txn';

/**
 * The module as applications use it: `redisStore({ url })` with its defaults, or the memory store without a port.
 *
 * @param {{ port?: number | undefined, lock?: object, maxEntries?: number }} options
 */
export function libraryModule({ port, lock = {}, maxEntries }) {
  const store =
    port === undefined
      ? memoryStore(maxEntries === undefined ? {} : { maxEntries })
      : redisStore({ url: `redis://127.0.0.1:${port}` });
  return CacheTxnModule.forRoot({ store, namespace: 'bench', lock });
}

/**
 * Its services, in an application context without HTTP.
 *
 * @param {Parameters<typeof libraryModule>[0]} options
 */
export async function openLibrary(options) {
  const app = await NestFactory.createApplicationContext(libraryModule(options), { logger: false });
  return {
    locks: app.get(LockService),
    coordinator: app.get(TransactionCoordinator),
    cache: app.get(TransactionalCache),
    close: () => app.close(),
  };
}

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

/** Of every key and channel. */
export const NAMESPACE = 'bench';

/**
 * The module as applications use it: `redisStore` with its defaults, or the memory store without a server.
 *
 * @param {{ port?: number | undefined, nodes?: readonly Node[] | undefined, lock?: object, txn?: object, cache?: object, maxEntries?: number,
 *   around?: (store: any) => any }} options `around` puts something between module and store
 * @typedef {import('../measure/redis-cluster.mjs').Node} Node
 */
export function libraryModule({ port, nodes, lock = {}, txn = {}, cache = {}, maxEntries, around = (store) => store }) {
  return CacheTxnModule.forRoot({
    store: around(storeOf({ port, nodes, maxEntries })),
    namespace: NAMESPACE,
    lock,
    txn,
    cache,
  });
}

/** @param {{ port: number | undefined, nodes: readonly Node[] | undefined, maxEntries: number | undefined }} where */
function storeOf({ port, nodes, maxEntries }) {
  if (nodes !== undefined) return redisStore({ cluster: { nodes: [...nodes] } });
  if (port !== undefined) return redisStore({ url: `redis://127.0.0.1:${port}` });
  return memoryStore(maxEntries === undefined ? {} : { maxEntries });
}

/**
 * Its services, in an application context without HTTP.
 *
 * @param {Parameters<typeof libraryModule>[0]} options
 */
export async function openLibrary(options) {
  const app = await NestFactory.createApplicationContext(libraryModule(options), {
    logger: false,
    abortOnError: false,
  });
  return {
    locks: app.get(LockService),
    coordinator: app.get(TransactionCoordinator),
    cache: app.get(TransactionalCache),
    close: () => app.close(),
  };
}

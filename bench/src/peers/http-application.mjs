import 'reflect-metadata';
import { Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheTxn, Locked, Versioned } from 'nestjs-cache-txn';
import { libraryModule } from './library.mjs';

/** Every request has its own lock name, out of a hundred thousand: these are costs of calls, not of waiting. */
const KEY = 'item:{params.id}';

/** @type {Record<string, () => MethodDecorator[]>} */
const DECORATORS = {
  undecorated: () => [],
  '@Locked': () => [Locked(KEY)],
  '@CacheTxn': () => [CacheTxn()],
  '@Versioned': () => [Versioned()],
  'all three': () => [Locked(KEY), CacheTxn(), Versioned()],
};

/**
 * A Nest application on Express whose one method does nothing; it listens on a free loopback port.
 *
 * @param {string} variant
 * @param {number | undefined} redisPort undefined: the memory store
 */
export async function startApplication(variant, redisPort) {
  class EmptyController {
    async run() {
      return {};
    }
  }
  Controller('items')(EmptyController);
  const method = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(EmptyController.prototype, 'run'));
  for (const decorate of [...(DECORATORS[variant]?.() ?? []), Post(':id')]) {
    decorate(EmptyController.prototype, 'run', method);
  }
  class AppModule {}
  Module({ imports: [libraryModule({ port: redisPort })], controllers: [EmptyController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}

/** Proves that an installation of the version matrix is the one that its cell names. Jest does not run it. */
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { CacheTxnModule, LockService, TransactionalCache } from 'nestjs-cache-txn';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What this file's own project sees, and what the installed library sees. */
const fromHere = createRequire(import.meta.url);
const fromLibrary = createRequire(fromHere.resolve('nestjs-cache-txn'));

/** Set by the script: `nest11-ioredis5-cjs`. */
const cell = process.env['CACHE_TXN_MATRIX_CELL'];

function majorOf(name: string): number {
  const manifest = readFileSync(fromLibrary.resolve(`${name}/package.json`), 'utf8');
  return Number.parseInt((JSON.parse(manifest) as { version: string }).version);
}

describe('an installation of the matrix', () => {
  it('has the majors and the format that its cell names', () => {
    // A name that swc leaves alone, and that only CommonJS has.
    const format = typeof require === 'function' ? 'cjs' : 'esm';
    expect(`nest${majorOf('@nestjs/core')}-ioredis${majorOf('ioredis')}-${format}`).toBe(cell);
    expect(majorOf('@nestjs/common')).toBe(majorOf('@nestjs/core'));
  });

  it('takes the library from its tarball', () => {
    expect(fromHere.resolve('nestjs-cache-txn')).toMatch(/node_modules\/nestjs-cache-txn\/dist\/index\.js$/);
  });

  it('has one copy of what the library and the application share, however it is loaded', async () => {
    for (const name of ['@nestjs/common', '@nestjs/core', 'ioredis', 'rxjs', 'reflect-metadata']) {
      expect(fromLibrary.resolve(name)).toBe(fromHere.resolve(name));
    }
    const [common, core, ioredis] = ['@nestjs/common', '@nestjs/core', 'ioredis'].map((name) => fromLibrary(name));
    expect([common.Module, core.NestFactory, ioredis.Redis]).toEqual([Module, NestFactory, Redis]);
    expect(((await import('@nestjs/common')) as { Module: unknown }).Module).toBe(Module);
    const [required, imported] = [fromHere('nestjs-cache-txn'), await import('nestjs-cache-txn')];
    expect([required.LockService, imported.LockService]).toEqual([LockService, LockService]);
  });

  it('injects the services by their class and by the types of a constructor', async () => {
    @Injectable()
    class Buyers {
      constructor(
        readonly locks: LockService,
        readonly cache: TransactionalCache,
      ) {}
    }
    @Module({ imports: [CacheTxnModule.forRoot()], providers: [Buyers] })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const { locks, cache } = app.get(Buyers);
    expect(locks).toBe(app.get(LockService));
    expect(await locks.withLock('seat', async (lock) => lock.fence)).toBeGreaterThan(0);
    await cache.set('seat', 'ada');
    expect(await cache.get('seat')).toBe('ada');
    await app.close();
  });
});

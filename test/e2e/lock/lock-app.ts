import { Module, type INestApplication, type ModuleMetadata, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Redis } from 'ioredis';
import { CacheTxnModule, LockService, redisStore, type LockModuleOptions } from 'nestjs-cache-txn';
import type { AddressInfo } from 'node:net';
import { eventually } from '../../support/eventually.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';

export interface LockApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly locks: LockService;
  readonly namespace: string;
}

export interface LockAppOptions extends ModuleMetadata {
  readonly lock?: LockModuleOptions;
  readonly shutdownGrace?: number;
  /** Default: one of its own. */
  readonly namespace?: string;
  /** Default `express`. */
  readonly adapter?: 'express' | 'fastify';
}

/** One Redis of a spec, a client to look inside, and applications with a namespace for each test. */
export class LockScene {
  private readonly apps: INestApplication[] = [];
  private namespaces = 0;

  private constructor(
    readonly server: RedisServer,
    readonly redis: Redis,
  ) {}

  static async start(): Promise<LockScene> {
    const server = await startRedisServer();
    return new LockScene(server, observer(server));
  }

  /** A namespace that no other test of the spec has. */
  namespace(): string {
    this.namespaces += 1;
    return `t${this.namespaces}`;
  }

  async app(options: LockAppOptions = {}): Promise<LockApp> {
    const {
      lock = {},
      shutdownGrace = 1_000,
      imports = [],
      namespace = this.namespace(),
      adapter,
      ...metadata
    } = options;
    const store = redisStore(storeOptions(this.server));
    const library = CacheTxnModule.forRoot({ store, namespace, lock, shutdownGrace });
    @Module({ ...metadata, imports: [...imports, library] })
    class AppModule {}
    const settings: NestApplicationOptions = { logger: false, abortOnError: false, forceCloseConnections: true };
    const app =
      adapter === 'fastify'
        ? await NestFactory.create(AppModule, new FastifyAdapter({ forceCloseConnections: true }), settings)
        : await NestFactory.create(AppModule, settings);
    this.apps.push(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return { app, url: `http://127.0.0.1:${port}`, locks: app.get(LockService), namespace };
  }

  /** What is left of locks: every field but the fence, which outlives its holder on purpose. */
  async leftovers(namespace: string): Promise<readonly string[]> {
    const keys = await this.redis.keys(`${namespace}:l:*`);
    const fields = await Promise.all(
      keys.map(async (key) => (await this.redis.hkeys(key)).filter((field) => field !== 'f').map((f) => `${key} ${f}`)),
    );
    return fields.flat();
  }

  /** Waits until so many callers queue for a name. */
  async queued(locks: LockService, name: string, waiters: number): Promise<void> {
    const what = `${waiters} waiters for ${name}`;
    await eventually(async () => (await locks.inspect(name))?.waiters === waiters, { what });
  }

  async closeApps(): Promise<void> {
    await Promise.all(this.apps.splice(0).map((app) => app.close()));
  }

  async stop(): Promise<void> {
    await this.closeApps();
    this.redis.disconnect();
    await this.server.stop();
  }
}

/** A place inside a method where the test holds it up. */
export class Door {
  entries = 0;
  private let: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => (this.let = resolve));

  async pass(): Promise<void> {
    this.entries += 1;
    await this.opened;
  }

  open(): void {
    this.let();
  }

  /** Waits until so many calls stand at the door, or have passed it. */
  async reached(entries = 1): Promise<void> {
    await eventually(() => this.entries >= entries, { what: `${entries} calls inside the method` });
  }
}

export const post = (url: string, init: RequestInit = {}): Promise<Response> => fetch(url, { method: 'POST', ...init });

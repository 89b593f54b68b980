import { Module, type INestApplication, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Redis } from 'ioredis';
import {
  CacheTxnModule,
  type CacheTxnModuleOptions,
  type CacheTxnModuleShape,
  LockService,
  redisStore,
  TransactionalCache,
  TransactionCoordinator,
  VersionService,
} from 'nestjs-cache-txn';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { observer, storeOptions } from './servers/redis-access.js';
import { startRedisServer, type RedisServer } from './servers/redis-server.js';
import { ScriptedStore } from './stores/scripted-store.js';

/** What one request of a test may carry beside method and path. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** The body read as JSON; undefined for an empty one. Untyped by nature. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** A running application with the library in it, and what a test needs of it. */
export interface TxnApp {
  readonly app: INestApplication;
  readonly namespace: string;
  readonly cache: TransactionalCache;
  readonly coordinator: TransactionCoordinator;
  readonly versions: VersionService;
  readonly locks: LockService;
  /** Everything that was logged. */
  readonly log: readonly string[];
  send(method: string, path: string, options?: RequestOptions): Promise<Answer>;
}

export const ADAPTERS = ['express', 'fastify'] as const;

export interface TxnAppOptions extends ModuleMetadata {
  /** Options of the module; without a store it gets one on the Redis of the scene. */
  readonly module?: CacheTxnModuleOptions & CacheTxnModuleShape;
  readonly adapter?: (typeof ADAPTERS)[number];
}

/** One Redis of a spec, a client to look inside, and applications with a namespace for each test. */
export class TxnScene {
  private readonly apps: INestApplication[] = [];
  private namespaces = 0;

  private constructor(
    readonly server: RedisServer,
    readonly redis: Redis,
  ) {}

  static async start(): Promise<TxnScene> {
    const server = await startRedisServer();
    return new TxnScene(server, observer(server));
  }

  /** A store on the Redis of the scene that a test can disturb. */
  scriptedStore(): ScriptedStore {
    return new ScriptedStore([redisStore(storeOptions(this.server))]);
  }

  /** Starts an application; one whose boot is refused rejects. */
  async app({ module = {}, adapter = 'express', imports = [], ...metadata }: TxnAppOptions = {}): Promise<TxnApp> {
    this.namespaces += 1;
    const { store = redisStore(storeOptions(this.server)), namespace = `t${this.namespaces}` } = module;
    @Module({
      ...metadata,
      imports: [...imports, CacheTxnModule.forRoot({ shutdownGrace: '500ms', ...module, store, namespace })],
    })
    class AppModule {}
    return this.listen(AppModule, namespace, adapter);
  }

  /** Starts an application whose root module brings the library by itself. */
  async listen(
    root: new () => object,
    namespace: string,
    adapter: TxnAppOptions['adapter'] = 'express',
  ): Promise<TxnApp> {
    const { app, log } = await this.boot(root, adapter);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return {
      app,
      namespace,
      cache: app.get(TransactionalCache),
      coordinator: app.get(TransactionCoordinator),
      versions: app.get(VersionService),
      locks: app.get(LockService),
      log,
      send: (method, path, request) => send(port, method, path, request),
    };
  }

  /** Starts an application that nobody calls, whatever it has of the library. */
  async boot(
    root: new () => object,
    adapter: TxnAppOptions['adapter'] = 'express',
  ): Promise<{ readonly app: INestApplication; readonly log: readonly string[] }> {
    const log: string[] = [];
    const write = (...parts: readonly unknown[]): void =>
      void log.push(
        parts
          .filter((part) => part !== undefined)
          .map(String)
          .join(' '),
      );
    const logger: LoggerService = { log: () => undefined, error: write, warn: write };
    const options = { logger, abortOnError: false, forceCloseConnections: true };
    const app =
      adapter === 'express'
        ? await NestFactory.create(root, options)
        : await NestFactory.create(root, new FastifyAdapter({ forceCloseConnections: true }), options);
    this.apps.push(app);
    await app.init();
    return { app, log };
  }

  /** The keys that an application has left in Redis, without its namespace; none are expected beside entries and fences. */
  async keys({ namespace }: TxnApp): Promise<string[]> {
    const keys = await this.redis.keys(`${namespace}:*`);
    return keys.map((key) => key.slice(namespace.length + 1)).sort();
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

/** Sends exactly these headers: `fetch` would add `Cache-Control: no-cache` to a conditional request. */
function send(port: number, method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
  const { headers = {}, body, signal } = options;
  return new Promise((resolve, reject) => {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const type =
      json === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) };
    const sending = httpRequest(
      { host: '127.0.0.1', port, method, path, headers: { ...type, ...headers }, ...(signal && { signal }) },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
        });
      },
    );
    sending.on('error', reject);
    sending.end(json);
  });
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

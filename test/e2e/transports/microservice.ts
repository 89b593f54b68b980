import { type LoggerService, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientProxy,
  ClientProxyFactory,
  type MicroserviceOptions,
  Transport,
  type ClientOptions,
} from '@nestjs/microservices';
import type { Redis } from 'ioredis';
import { CacheTxnModule, LockService, redisStore, TransactionalCache } from 'nestjs-cache-txn';
import type { AddressInfo, Server } from 'node:net';
import { lastValueFrom, timeout } from 'rxjs';
import { eventually } from '../../support/eventually.js';
import { observer, observerOptions, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { RpcSale } from './rpc-sale.controller.js';
import { Sale } from './sale.js';

export const RPC_TRANSPORTS = ['TCP', 'Redis'] as const;
export type RpcTransport = (typeof RPC_TRANSPORTS)[number];

/** A running microservice with a client of its own. */
export interface Microservice {
  readonly app: INestMicroservice;
  readonly namespace: string;
  /** Once, however often it is called. */
  close(): Promise<void>;
  readonly sale: Sale;
  readonly cache: TransactionalCache;
  readonly locks: LockService;
  /** Errors and warnings that were logged. */
  readonly log: readonly string[];
  readonly client: ClientProxy;
  /** Another client, with a connection of its own. */
  connect(): ClientProxy;
  /** The answer, or the error as the client gets it. */
  ask(pattern: string, data?: unknown): Promise<unknown>;
}

/** One Redis of a spec, for the store and for the transport, and microservices with a namespace for each test. */
export class MicroserviceScene {
  private readonly closing: (() => unknown)[] = [];
  private namespaces = 0;

  private constructor(
    readonly server: RedisServer,
    readonly redis: Redis,
  ) {}

  static async start(): Promise<MicroserviceScene> {
    const server = await startRedisServer();
    return new MicroserviceScene(server, observer(server));
  }

  /** One of its own, or a further instance beside one that runs. */
  async microservice(transport: RpcTransport, beside?: Microservice): Promise<Microservice> {
    this.namespaces += 1;
    const log: string[] = [];
    const namespace = beside?.namespace ?? `t${this.namespaces}`;
    const library = CacheTxnModule.forRoot({
      store: redisStore(storeOptions(this.server)),
      namespace,
      shutdownGrace: '500ms',
    });
    @Module({ imports: [library], controllers: [RpcSale], providers: [Sale] })
    class AppModule {}
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
      ...this.serverOptions(transport),
      logger: loggerInto(log),
      abortOnError: false,
    });
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= app.close());
    this.closing.push(close);
    await app.listen();
    const options = await this.clientOptions(transport, app, beside === undefined ? 1 : 2);
    const connect = (): ClientProxy => this.connect(options);
    const client = connect();
    await client.connect();
    return {
      app,
      namespace,
      close,
      sale: app.get(Sale),
      cache: app.get(TransactionalCache),
      locks: app.get(LockService),
      log,
      client,
      connect,
      ask: (pattern, data = {}) => ask(client, pattern, data),
    };
  }

  private serverOptions(transport: RpcTransport): MicroserviceOptions {
    return transport === 'TCP'
      ? { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } }
      : { transport: Transport.REDIS, options: observerOptions(this.server) as object };
  }

  /** Where a microservice that has started can be reached, once it can. */
  private async clientOptions(
    transport: RpcTransport,
    app: INestMicroservice,
    instances: number,
  ): Promise<ClientOptions> {
    if (transport === 'TCP') {
      const { port } = app.unwrap<Server>().address() as AddressInfo;
      return { transport: Transport.TCP, options: { host: '127.0.0.1', port } };
    }
    // Nest does not wait for its subscriptions.
    await eventually(async () => (await this.redis.pubsub('NUMSUB', 'failed'))[1] === instances, {
      what: 'the subscription',
    });
    return { transport: Transport.REDIS, options: observerOptions(this.server) as object };
  }

  private connect(options: ClientOptions): ClientProxy {
    const client = ClientProxyFactory.create(options as Parameters<typeof ClientProxyFactory.create>[0]);
    this.closing.unshift(() => client.close() as unknown);
    return client;
  }

  /** What is left of a namespace beside the fences, which outlive their holders on purpose. */
  async leftovers(namespace: string): Promise<readonly string[]> {
    const keys = await this.redis.keys(`${namespace}:*`);
    const left = keys.map(async (key) => {
      const isFence = (await this.redis.type(key)) === 'hash' && (await this.redis.hkeys(key)).join() === 'f';
      return isFence ? [] : [key];
    });
    return (await Promise.all(left)).flat();
  }

  /** Clients first: a server waits for them. */
  async closeApps(): Promise<void> {
    for (const close of this.closing.splice(0)) await close();
  }

  async stop(): Promise<void> {
    await this.closeApps();
    this.redis.disconnect();
    await this.server.stop();
  }
}

/** The last value of the answer, or the error; 5 s are far more than any test needs. */
export function ask(client: ClientProxy, pattern: string, data: unknown = {}): Promise<unknown> {
  return lastValueFrom(client.send<unknown>(pattern, data).pipe(timeout(5_000)));
}

export function loggerInto(log: string[]): LoggerService {
  const write = (...parts: readonly unknown[]): void =>
    void log.push(
      parts
        .filter((part) => part !== undefined)
        .map(String)
        .join(' '),
    );
  return { log: () => undefined, error: write, warn: write };
}

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Param,
  Post,
  type Type,
  UseFilters,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import {
  CacheTxn,
  CacheTxnErrorFilter,
  CurrentLock,
  CurrentTxn,
  type Lock,
  Locked,
  type Transaction,
} from 'nestjs-cache-txn';
import { lastValueFrom, timeout, type Observable } from 'rxjs';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import type { AddressInfo, Server } from 'node:net';
import { ADAPTERS, TxnScene, type TxnApp } from '../../support/txn-scene.js';
import { Door } from '../lock/lock-app.js';
import { RpcSale } from './rpc-sale.controller.js';
import { Sale, SECRET } from './sale.js';

let scene: TxnScene;
const clients: ClientProxy[] = [];
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await scene.closeApps();
});
afterAll(() => scene.stop());

@Controller('seats')
class HttpSale {
  constructor(@Inject(Sale) private readonly sale: Sale) {}

  @Post(':id')
  @Locked('seat:{params.id}', { wait: 0 })
  @CacheTxn()
  buy(@Param('id') id: string, @CurrentLock() lock: Lock, @CurrentTxn() txn: Transaction) {
    return this.sale.buy(id, { lock, txn });
  }
}

/** Names the filter itself. */
@Controller()
@UseFilters(CacheTxnErrorFilter)
class FilteredRpcSale extends RpcSale {}

/** A global interceptor of the application. */
@Injectable()
class Witness implements NestInterceptor {
  readonly types: string[] = [];

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.types.push(context.getType());
    return next.handle();
  }
}

interface Hybrid extends TxnApp {
  readonly sale: Sale;
  readonly witness: Witness;
  ask(pattern: string, data?: unknown): Promise<unknown>;
}

/** An application with HTTP and a microservice over TCP. */
async function start(
  inheritAppConfig: boolean,
  { adapter, rpc = RpcSale }: { adapter?: (typeof ADAPTERS)[number]; rpc?: Type } = {},
): Promise<Hybrid> {
  const app = await scene.app({
    controllers: [HttpSale, rpc],
    providers: [Sale, Witness, { provide: APP_INTERCEPTOR, useExisting: Witness }],
    ...(adapter && { adapter }),
  });
  const microservice = app.app.connectMicroservice(
    { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
    { inheritAppConfig },
  );
  await app.app.startAllMicroservices();
  const { port } = microservice.unwrap<Server>().address() as AddressInfo;
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  clients.push(client);
  return {
    ...app,
    sale: app.app.get(Sale),
    witness: app.app.get(Witness),
    ask: (pattern, data = {}) => lastValueFrom(client.send<unknown>(pattern, data).pipe(timeout(5_000))),
  };
}

describe.each(ADAPTERS)('a hybrid application on %s that inherits the configuration', (adapter) => {
  it('G1: has one lock for its routes and its messages, and each gets the error in its own form', async () => {
    const { sale, send, ask } = await start(true, { adapter });
    const door = (sale.door = new Door());
    const overHttp = send('POST', '/seats/7');
    await door.reached();
    await expect(ask('buy', { id: '7' })).rejects.toMatchObject({ status: 'error', code: 'LOCK_TIMEOUT' });
    door.open();
    expect((await overHttp).status).toBe(201);

    const second = (sale.door = new Door());
    const overTcp = ask('buy', { id: '7' });
    await second.reached();
    expect(await send('POST', '/seats/7')).toMatchObject({ status: 423, body: { code: 'LOCK_TIMEOUT' } });
    second.open();
    await expect(overTcp).resolves.toMatchObject({ seat: '7' });
  });

  it('runs global interceptors around both, once for each call', async () => {
    const { sale, send, ask, witness } = await start(true, { adapter });
    await send('POST', '/seats/7');
    await ask('buy', { id: '7' });
    expect(witness.types).toEqual(['http', 'rpc']);
    expect(sale.runs).toBe(2);
  });
});

describe('a hybrid application that does not inherit the configuration', () => {
  it('G14: locks and commits its messages all the same', async () => {
    const { ask, cache, sale, witness, locks } = await start(false);
    const door = (sale.door = new Door());
    const bought = ask('buy', { id: '7' });
    await door.reached();
    expect(await locks.inspect('seat:7')).not.toBeNull();
    door.open();
    await expect(bought).resolves.toMatchObject({ names: ['seat:7'], attempt: 1 });
    expect(await cache.get('seat:7')).toBe('sold');
    expect(witness.types).toEqual([]);
  });

  it('G42: answers with the blank error of Nest, which runs no global filter there', async () => {
    const { ask } = await start(false);
    await expect(ask('fail', 'LOCK_LOST')).rejects.toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('G42: answers with the code where the controller names the filter', async () => {
    const { ask } = await start(false, { rpc: FilteredRpcSale });
    const error = await ask('fail', 'LOCK_LOST').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 'error', code: 'LOCK_LOST' });
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });
});

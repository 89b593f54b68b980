import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Inject, UseFilters } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import {
  CacheTxn,
  CacheTxnErrorFilter,
  type CacheTxnErrorCode,
  CurrentLock,
  CurrentTxn,
  type Lock,
  Locked,
  LockSignal,
  type Transaction,
  TransactionalCache,
  Versioned,
} from 'nestjs-cache-txn';
import { io, type Socket } from 'socket.io-client';
import type { AddressInfo } from 'node:net';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS, TxnScene, type TxnApp } from '../../support/txn-scene.js';
import { Door } from '../lock/lock-app.js';
import { CODES, expectedAnswer, look, makeError, Sale, SECRET, seen } from './sale.js';

let scene: TxnScene;
const sockets: Socket[] = [];
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(async () => {
  seen.length = 0;
  for (const socket of sockets.splice(0)) socket.disconnect();
  await scene.closeApps();
});
afterAll(() => scene.stop());

@WebSocketGateway()
@UseFilters(CacheTxnErrorFilter)
class WsSale {
  constructor(@Inject(Sale) private readonly sale: Sale) {}

  @SubscribeMessage('buy')
  @Locked('seat:{data.id}', { wait: 0 })
  @CacheTxn()
  buy(
    @MessageBody() { id, fails }: { id: string; fails?: boolean },
    @CurrentLock() lock: Lock,
    @CurrentTxn() txn: Transaction,
  ) {
    return this.sale.buy(id, { lock, txn, fails: fails === true ? new WsException('sold out') : undefined });
  }

  @SubscribeMessage('by-argument')
  @Locked('seat:{args.1.id}', { wait: 0 })
  byArgument(@CurrentLock() lock: Lock, @LockSignal() signal: AbortSignal) {
    return { names: lock.names, isSame: signal === lock.signal };
  }

  /** Answers with an event of its own instead of the acknowledgement. */
  @SubscribeMessage('announce')
  @Locked('seat:{data}')
  @CacheTxn()
  announce(@MessageBody() id: string) {
    return { event: 'announced', data: id };
  }

  @SubscribeMessage('look')
  @Locked(look)
  look() {
    return 'looked';
  }

  @SubscribeMessage('count')
  @Versioned({ resource: 'event:{params.id}', requireIfMatch: true, backoff: { initial: 0 } })
  @CacheTxn()
  count() {
    return this.sale.count();
  }

  @SubscribeMessage('fail')
  fail(@MessageBody() code: CacheTxnErrorCode) {
    throw makeError(code);
  }

  @SubscribeMessage('endless')
  @Locked('seat:endless')
  @CacheTxn()
  endless(@CurrentTxn() txn: Transaction) {
    return this.sale.endless(txn.signal);
  }
}

/** Decorated as a whole, and without the filter. */
@WebSocketGateway()
@Locked('stock', { wait: 0 })
@CacheTxn()
class Stock {
  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(Sale) private readonly sale: Sale,
  ) {}

  @SubscribeMessage('add')
  async add(@CurrentLock() lock: Lock) {
    await this.cache.set('stock', await this.plain());
    await this.sale.door?.pass();
    return lock.names;
  }

  @SubscribeMessage('shelf')
  @Locked('shelf')
  shelf(@CurrentLock() lock: Lock) {
    return lock.names;
  }

  /** No handler: the class's decorators do not mean it. */
  async plain() {
    return 1;
  }
}

interface WsApp extends TxnApp {
  readonly sale: Sale;
  readonly socket: Socket;
  connect(): Socket;
}

async function start(adapter: (typeof ADAPTERS)[number] = 'express'): Promise<WsApp> {
  const app = await scene.app({ providers: [Sale, WsSale, Stock], adapter });
  const { port } = app.app.getHttpServer().address() as AddressInfo;
  const connect = (): Socket => {
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false });
    sockets.push(socket);
    return socket;
  };
  return { ...app, sale: app.app.get(Sale), socket: connect(), connect };
}

/** What the client gets as acknowledgement. */
const ask = (socket: Socket, event: string, data: unknown = {}): Promise<unknown> =>
  socket.timeout(5_000).emitWithAck(event, data);

/** The next event of that name. */
const next = (socket: Socket, event: string): Promise<unknown> => new Promise((resolve) => socket.once(event, resolve));

describe.each(ADAPTERS)('a gateway of socket.io on %s', (adapter) => {
  it('G14: commits under the lock that the message names, and acknowledges afterwards', async () => {
    const { socket, cache } = await start(adapter);
    await expect(ask(socket, 'buy', { id: 'a:1' })).resolves.toEqual({
      seat: 'a:1',
      names: ['seat:a%3A1'],
      isHeld: true,
      attempt: 1,
    });
    expect(await cache.get('seat:a:1')).toBe('sold');
    await expect(ask(socket, 'by-argument', { id: 7 })).resolves.toEqual({ names: ['seat:7'], isSame: true });
  });

  it('G1: tells who finds the lock taken so, by the event and by the acknowledgement', async () => {
    const { socket, sale, connect } = await start(adapter);
    const door = (sale.door = new Door());
    const first = ask(socket, 'buy', { id: '7' });
    await door.reached();
    const other = connect();
    const event = next(other, 'exception');
    const expected = {
      status: 'error',
      code: 'LOCK_TIMEOUT',
      message: expect.stringContaining('seat:7'),
      retryable: true,
      retryAfterMs: expect.any(Number),
      cause: { pattern: 'buy' },
    };
    await expect(ask(other, 'buy', { id: '7' })).resolves.toEqual(expected);
    await expect(event).resolves.toEqual(expected);
    door.open();
    await expect(first).resolves.toMatchObject({ seat: '7' });
    expect(sale.runs).toBe(1);
  });
});

describe('a gateway', () => {
  it('may answer with an event of its own, and a client need not ask for an acknowledgement', async () => {
    const { socket } = await start();
    const announced = next(socket, 'announced');
    socket.emit('announce', 's7');
    await expect(announced).resolves.toBe('s7');
    const exception = next(socket, 'exception');
    socket.emit('buy', {});
    await expect(exception).resolves.toMatchObject({
      code: 'KEY_TEMPLATE',
      message: expect.stringContaining('{data.id}'),
    });
  });

  it('knows the message and nothing of HTTP', async () => {
    const { socket } = await start();
    await expect(ask(socket, 'look', { id: 7 })).resolves.toBe('looked');
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ transport: 'ws', methodName: 'look', data: { id: 7 }, request: {} });
    expect(seen[0]?.http).toBeUndefined();
    expect(seen[0]?.args[1]).toEqual({ id: 7 });
  });

  it('G35: passes the error of the method on as it is, and nothing that it wrote is visible', async () => {
    const { socket, cache, log } = await start();
    const exception = next(socket, 'exception');
    socket.emit('buy', { id: '7', fails: true });
    await expect(exception).resolves.toMatchObject({ status: 'error', message: 'sold out' });
    expect(await cache.has('seat:7')).toBe(false);
    expect(log).toEqual([]);
  });

  it('G30: runs a method again after a conflict; a resource of HTTP adds nothing', async () => {
    const { socket, sale, cache } = await start();
    sale.letMeet(3);
    const answers = await Promise.all([1, 2, 3].map(() => ask(socket, 'count')));
    expect(answers.map((answer) => (answer as { n: number }).n).sort()).toEqual([1, 2, 3]);
    expect(sale.runs).toBeGreaterThanOrEqual(4);
    expect(await cache.get('n')).toBe(3);
  });

  it('G42: answers every error of the library with its code, and never with its details or cause', async () => {
    const { socket, log } = await start();
    for (const code of CODES) {
      const error = await ask(socket, 'fail', code);
      expect(error).toEqual({ status: 'error', ...expectedAnswer(code), cause: { pattern: 'fail' } });
      expect(JSON.stringify(error)).not.toContain(SECRET);
    }
    expect(log.length).toBeGreaterThan(0);
    expect(log.join()).not.toContain(SECRET);
  });

  it('that is decorated as a whole covers every message, and a method of its own names replaces it', async () => {
    const { socket, sale, cache } = await start();
    const door = (sale.door = new Door());
    const adding = ask(socket, 'add');
    await door.reached();
    await expect(ask(socket, 'shelf')).resolves.toEqual(['shelf']);
    // Without the filter, which Nest takes from the gateway only, the error says nothing.
    const exception = next(socket, 'exception');
    socket.emit('add');
    await expect(exception).resolves.toMatchObject({ status: 'error', message: 'Internal server error' });
    door.open();
    await expect(adding).resolves.toEqual(['stock']);
    expect(await cache.get('stock')).toBe(1);
  });
});

describe('a client of socket.io that leaves', () => {
  it('G36: aborts the signal of its call; the transaction rolls back and the lock is released', async () => {
    const { sale, socket, connect, locks, cache, log } = await start();
    const leaver = connect();
    leaver.emit('endless', {}, () => undefined);
    await eventually(() => sale.runs === 1, { what: 'the method' });
    leaver.disconnect();
    await sale.aborted.reached;
    await eventually(async () => (await locks.inspect('seat:endless')) === null, { what: 'the release' });
    expect(await cache.has('seat:endless')).toBe(false);
    expect(log).toEqual([]);
    await expect(ask(socket, 'look')).resolves.toBe('looked');
  });

  it('G36: gives up its place in a queue', async () => {
    const { connect, locks } = await start();
    const held = await locks.acquire('seat:endless');
    const leaver = connect();
    leaver.emit('endless', {});
    await eventually(async () => (await locks.inspect('seat:endless'))?.waiters === 1, { what: 'the waiter' });
    leaver.disconnect();
    await eventually(async () => (await locks.inspect('seat:endless'))?.waiters === 0, { what: 'nobody waiting' });
    await held.release();
    expect(await locks.inspect('seat:endless')).toBeNull();
  });
});

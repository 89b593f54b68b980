import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestMicroservice } from '@nestjs/common';
import type { TcpContext } from '@nestjs/microservices';
import type { Server } from 'node:net';
import { eventually } from '../../support/eventually.js';
import { Door } from '../lock/lock-app.js';
import { ask, MicroserviceScene, RPC_TRANSPORTS, type Microservice } from './microservice.js';
import { BOUGHT, ONCE } from './rpc-sale.controller.js';
import { CODES, expectedAnswer, SECRET, seen } from './sale.js';

let scene: MicroserviceScene;
beforeAll(async () => {
  scene = await MicroserviceScene.start();
});
afterAll(() => scene.stop());

describe.each(RPC_TRANSPORTS)('a message handler over %s', (transport) => {
  let service: Microservice;
  beforeAll(async () => {
    service = await scene.microservice(transport);
  });
  afterAll(() => scene.closeApps());
  afterEach(() => {
    seen.length = 0;
    service.sale.runs = 0;
    service.sale.door = undefined;
  });

  it('G37: takes its lock by the payload, and a busy one is an error of the transport with its code', async () => {
    const { sale, ask, locks } = service;
    const door = (sale.door = new Door());
    const first = ask('buy', { id: 'a:1' });
    await door.reached();
    expect(await locks.inspect('seat:a%3A1')).not.toBeNull();
    await expect(ask('buy', { id: 'a:1' })).rejects.toMatchObject({
      status: 'error',
      code: 'LOCK_TIMEOUT',
      message: expect.stringContaining('seat:a%3A1'),
      retryable: true,
      retryAfterMs: expect.any(Number),
    });
    await expect(ask('by-argument', { id: 'a:1' })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    const other = ask('by-argument', { id: 'b' });
    await door.reached(2);
    door.open();
    await expect(first).resolves.toEqual({ seat: 'a:1', names: ['seat:a%3A1'], isHeld: true, attempt: 1 });
    await expect(other).resolves.toMatchObject({ seat: 'b', names: ['seat:b'] });
    expect(sale.runs).toBe(2);
  });

  it('reads a payload that is a plain value, and streams what the method emits under its lock', async () => {
    const values: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      service.client.send('plain', 'x').subscribe({ next: (v) => values.push(v), error: reject, complete: resolve });
    });
    expect(values).toEqual(['seat:x', 'the last']);
  });

  it('G37: refuses a payload without a usable id before the method', async () => {
    for (const data of [{}, { id: '' }, { id: null }, { id: ['7'] }, { id: {} }]) {
      await expect(service.ask('buy', data)).rejects.toMatchObject({
        status: 'error',
        code: 'KEY_TEMPLATE',
        message: expect.stringContaining('{data.id}'),
        retryable: false,
      });
    }
    expect(service.sale.runs).toBe(0);
  });

  it('knows the message and nothing of HTTP', async () => {
    await expect(service.ask('look', { id: 7 })).resolves.toBe('looked');
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ transport: 'rpc', methodName: 'look', data: { id: 7 }, request: {} });
    expect(seen[0]?.http).toBeUndefined();
    expect(seen[0]?.args[0]).toEqual({ id: 7 });
  });

  it('G34: has committed when the answer arrives', async () => {
    await service.ask('buy', { id: 'committed' });
    expect(await service.cache.get('seat:committed')).toBe('sold');
  });

  it('G35: passes the error of the method on as it is, and nothing that it wrote is visible', async () => {
    const before = service.log.length;
    await expect(service.ask('buy', { id: 'failed', fails: true })).rejects.toEqual({ own: 'sold out' });
    expect(await service.cache.has('seat:failed')).toBe(false);
    expect(service.log).toHaveLength(before);
  });

  it.each(['count', 'resource'])(
    'G30: runs %s again after a conflict; a resource of HTTP adds nothing',
    async (pattern) => {
      const before = (await service.cache.get<number>('n')) ?? 0;
      service.sale.letMeet(3);
      const answers = await Promise.all([1, 2, 3].map(() => service.ask(pattern)));
      expect(answers.map((answer) => (answer as { n: number }).n - before).sort()).toEqual([1, 2, 3]);
      expect(service.sale.runs).toBeGreaterThanOrEqual(4);
      expect(await service.cache.get('n')).toBe(before + 3);
    },
  );

  it('G42: answers every error of the library with its code, and never with its details or cause', async () => {
    for (const code of CODES) {
      const error = await service.ask('fail', code).catch((reason: unknown) => reason);
      expect(error).toEqual({ status: 'error', ...expectedAnswer(code) });
      expect(JSON.stringify(error)).not.toContain(SECRET);
    }
    expect(service.log.join()).not.toContain(SECRET);
  });
});

describe.each(RPC_TRANSPORTS)('an event handler over %s', (transport) => {
  let service: Microservice;
  beforeAll(async () => {
    service = await scene.microservice(transport);
  });
  afterAll(() => scene.closeApps());

  const emit = (pattern: unknown, data: unknown): void => {
    service.client.emit(pattern, data).subscribe();
  };

  it('G14: commits what it wrote under its lock', async () => {
    emit(BOUGHT, { id: '7' });
    await eventually(() => service.cache.has('seat:7'), { what: 'the commit' });
    expect(service.sale.runs).toBe(1);
    expect(service.log).toEqual([]);
  });

  it('logs an error of the library, for nobody is there to be told, and lives on', async () => {
    const { runs } = service.sale;
    const held = await service.locks.acquire('seat:7');
    emit(BOUGHT, { id: '7' });
    await eventually(() => service.log.length === 1, { what: 'the line in the log' });
    expect(service.log[0]).toMatch(/^LOCK_TIMEOUT: .*seat:7/);
    await held.release();
    emit('failed', 'STORE_REPLY');
    await eventually(() => service.log.length === 2, { what: 'the second line' });
    expect(service.log[1]).toMatch(
      /^STORE_REPLY: what happened: STORE_REPLY StoreReplyError: [^]*rpc-sale\.controller[^]* CacheTxn$/,
    );
    await expect(service.ask('look')).resolves.toBe('looked');
    expect(service.sale.runs).toBe(runs);
  });
});

describe('an event over Redis, which every instance gets', () => {
  afterEach(async () => {
    seen.length = 0;
    await scene.closeApps();
  });

  it('G12: is handled by one of them, where the others skip it and the lock is held on for a while', async () => {
    const one = await scene.microservice('Redis');
    const other = await scene.microservice('Redis', one);
    one.client.emit(ONCE, { id: '7' }).subscribe();
    await eventually(() => seen.length === 2, { what: 'both instances' });
    await eventually(() => one.sale.runs + other.sale.runs > 0, { what: 'the method' });
    // Closing, they wait for their calls.
    await Promise.all([one.close(), other.close()]);
    expect(one.sale.runs + other.sale.runs).toBe(1);
  });
});

/** The server has seen the second of two clients go. */
function hasLeft(app: INestMicroservice): Promise<boolean> {
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) =>
      app.unwrap<Server>().getConnections((error, n) => (error === null ? resolve(n) : reject(error))),
    );
  return eventually(async () => (await connections()) === 1, { what: 'the end of the connection' });
}

describe('a client of TCP that leaves', () => {
  afterEach(async () => {
    seen.length = 0;
    await scene.closeApps();
  });

  it.each([
    ['its request', 'endless'],
    ['what its request has called', 'endless-inside'],
  ])('G36: aborts the signal of %s; the transaction rolls back and the lock is released', async (_what, pattern) => {
    const { sale, locks, cache, log, connect } = await scene.microservice('TCP');
    const leaver = connect();
    const answer = ask(leaver, pattern).catch((error: unknown) => error);
    await eventually(() => sale.runs === 1, { what: 'the method' });
    leaver.close();
    await sale.aborted.reached;
    await eventually(async () => (await locks.inspect('seat:endless')) === null, { what: 'the release' });
    expect(await cache.has('seat:endless')).toBe(false);
    expect(log).toEqual([]);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('G36: ends all of its requests, and those of nobody else', async () => {
    const { app, sale, connect, client, locks, cache } = await scene.microservice('TCP');
    const door = (sale.door = new Door());
    const leaver = connect();
    const gone = Array.from({ length: 15 }, (_, i) => `gone-${i}`);
    const leaving = gone.map((id) => ask(leaver, 'buy', { id }).catch((error: unknown) => error));
    const staying = ask(client, 'buy', { id: 'stays' });
    await door.reached(16);
    // Node warns of a leak from the eleventh listener on.
    await ask(leaver, 'look');
    expect((seen[0]?.args[1] as TcpContext).getSocketRef().netSocket.listenerCount('close')).toBeLessThan(10);
    leaver.close();
    await Promise.all(leaving);
    await hasLeft(app);
    door.open();
    await expect(staying).resolves.toMatchObject({ seat: 'stays' });
    for (const id of gone) {
      await eventually(async () => (await locks.inspect(`seat:${id}`)) === null, { what: `the release of ${id}` });
    }
    expect((await cache.getMany(gone.map((id) => `seat:${id}`))).size).toBe(0);
  });

  it('lets an event be handled to its end: nobody waits for it', async () => {
    const { sale, connect, cache, app } = await scene.microservice('TCP');
    const door = (sale.door = new Door());
    const leaver = connect();
    leaver.emit(BOUGHT, { id: '7' }).subscribe();
    await door.reached();
    leaver.close();
    await hasLeft(app);
    door.open();
    await eventually(() => cache.has('seat:7'), { what: 'the commit' });
  });
});

describe('a caller that does not wait any longer', () => {
  afterEach(() => scene.closeApps());

  it.each(RPC_TRANSPORTS)(
    'over %s cannot be noticed: its unsubscribing sends nothing, and the call commits',
    async (transport) => {
      const { sale, client, cache } = await scene.microservice(transport);
      const door = (sale.door = new Door());
      const subscription = client.send('buy', { id: '7' }).subscribe();
      await door.reached();
      subscription.unsubscribe();
      door.open();
      await eventually(() => cache.has('seat:7'), { what: 'the commit' });
    },
  );
});

describe.each(RPC_TRANSPORTS)('a microservice over %s that closes in the middle of a call', (transport) => {
  afterEach(() => scene.closeApps());

  it('G13: ends the call, commits nothing of it and leaves nothing behind', async () => {
    const { sale, client, close, namespace } = await scene.microservice(transport);
    client.send('endless', {}).subscribe({ error: () => undefined });
    await eventually(() => sale.runs === 1, { what: 'the method' });
    expect(await scene.leftovers(namespace)).toHaveLength(1);
    await close();
    await sale.aborted.reached;
    expect(await scene.leftovers(namespace)).toEqual([]);
  });
});

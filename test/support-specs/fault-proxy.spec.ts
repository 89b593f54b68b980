import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { connect } from 'node:net';

import { eventually } from '../support/eventually.js';
import { startFaultProxy, type FaultProxy } from '../support/proxy/fault-proxy.js';
import { startRedisServer, type RedisServer } from '../support/servers/redis-server.js';

let server: RedisServer;
let direct: Redis;
let proxy: FaultProxy;
const clients: Redis[] = [];

beforeAll(async () => {
  server = await startRedisServer();
  direct = new Redis(server.url);
});
beforeEach(async () => {
  proxy = await startFaultProxy(server.port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await proxy.stop();
});
afterAll(async () => {
  direct.disconnect();
  await server.stop();
});

/** A client that does nothing on its own, through the proxy. */
async function client(): Promise<Redis> {
  const made = new Redis(proxy.url, { retryStrategy: () => null, maxRetriesPerRequest: 0, lazyConnect: true });
  clients.push(made);
  made.on('error', () => undefined);
  await made.connect();
  return made;
}

const ending = (command: Promise<unknown>): Promise<unknown> =>
  command.then(
    () => 'answered',
    (error: unknown) => (error as Error).message,
  );

describe('the proxy for faults', () => {
  it('passes everything, byte for byte', async () => {
    const value = 'é'.repeat(50_000);
    const one = await client();
    await one.set('whole', value);
    expect(await one.get('whole')).toBe(value);
    expect([proxy.openCount, proxy.openedCount]).toEqual([1, 1]);
  });

  it('delays, with jitter, and keeps the order', async () => {
    const one = await client();
    proxy.set({ delayMs: 1, jitterMs: 5 });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => one.call('ECHO', String(i))));
    expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    const startedAtMs = performance.now();
    proxy.set({ delayMs: 50 });
    await one.ping();
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(99);
  });

  it('sends single bytes', async () => {
    const one = await client();
    proxy.set({ isDripping: true });
    expect(await one.call('ECHO', 'x'.repeat(200))).toBe('x'.repeat(200));
  });

  it('loses a request: the server never hears of it, and the connection is cut', async () => {
    const one = await client();
    proxy.set({ loseRequest: 1 });
    expect(await ending(one.incr('lost-request'))).toMatch(/Connection is closed/);
    expect(await direct.get('lost-request')).toBeNull();
  });

  it('loses a reply: the server did it, and nobody hears of it', async () => {
    const one = await client();
    proxy.set({ loseReply: 1 });
    expect(await ending(one.incr('lost-reply'))).toMatch(/Connection is closed|ECONNRESET/);
    expect(await direct.get('lost-reply')).toBe('1');
  });

  it('cuts with an end, and resets with an error', async () => {
    const codes: (string | undefined)[] = [];
    for (const how of ['cut', 'reset'] as const) {
      const socket = connect(proxy.port, '127.0.0.1');
      const closed = new Promise<string | undefined>((resolve) => {
        let code: string | undefined;
        socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
        socket.on('close', () => resolve(code));
      });
      socket.resume();
      await eventually(() => proxy.openCount === 1, { what: 'the connection' });
      proxy[how]();
      codes.push(await closed);
      await eventually(() => proxy.openCount === 0, { what: 'both ends to close' });
    }
    expect(codes).toEqual([undefined, 'ECONNRESET']);
  });

  it('is half-open while it is silent, later connections too, and resets what lost something when it speaks', async () => {
    const [one, idle] = [await client(), await client()];
    proxy.silence();
    const asked = ending(one.incr('silence'));
    const late = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    late.write('PING\r\n');
    const heard: unknown[] = [];
    late.on('data', (bytes) => heard.push(bytes));
    const [askedBytes, lateBytes] = ['*2\r\n$4\r\nincr\r\n$7\r\nsilence\r\n'.length, 'PING\r\n'.length];
    await eventually(() => proxy.lostBytes === askedBytes + lateBytes, { what: 'both to be lost' });
    expect(await Promise.race([asked, direct.ping()])).toBe('PONG');
    proxy.speak();
    expect(await asked).toMatch(/Connection is closed|ECONNRESET/);
    expect(await idle.ping()).toBe('PONG');
    expect(heard).toEqual([]);
    expect(await direct.get('silence')).toBeNull();
    late.destroy();
  });

  it('silences subscribers alone', async () => {
    const [subscriber, other] = [await client(), await client()];
    const heard: string[] = [];
    subscriber.on('message', (_channel, message) => heard.push(message));
    await subscriber.subscribe('news');
    await direct.publish('news', 'first');
    await eventually(() => heard.length === 1, { what: 'the first message' });
    proxy.silence('subscribers');
    expect(await direct.publish('news', 'second')).toBe(1);
    expect(await other.ping()).toBe('PONG');
    proxy.cut('others');
    await eventually(() => other.status === 'end', { what: 'the other connection to end' });
    expect([subscriber.status, heard]).toEqual(['ready', ['first']]);
  });

  it('refuses while nobody listens, and accepts again on the same port', async () => {
    const one = await client();
    await proxy.refuse();
    const refused = connect(proxy.port, '127.0.0.1');
    const code = await new Promise((resolve) => refused.on('error', (e: NodeJS.ErrnoException) => resolve(e.code)));
    expect(code).toBe('ECONNREFUSED');
    expect(await one.ping()).toBe('PONG');
    await proxy.accept();
    expect(await (await client()).ping()).toBe('PONG');
  });

  it('holds what is sent, and lets it arrive when its client has long gone', async () => {
    const one = await client();
    proxy.hold();
    void ending(one.incr('held'));
    await eventually(() => proxy.heldBytes > 0, { what: 'held bytes' });
    one.disconnect();
    expect(await direct.get('held')).toBeNull();
    expect(await (await client()).incr('other')).toBe(1);
    proxy.release();
    await eventually(async () => (await direct.get('held')) === '1', { what: 'the late command' });
    await eventually(() => proxy.openCount === 1, { what: 'the held connection to close' });
  });
});

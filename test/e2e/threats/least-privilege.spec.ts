import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { redisStore, type RedisConnectionOptions } from 'nestjs-cache-txn';
import { DOCUMENTED_PASSWORD, documentedUser } from '../../support/servers/documented-user.js';
import { eventually } from '../../support/eventually.js';
import { observer } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { AddressedController } from './addressed.controller.js';
import { BusyController } from './busy.controller.js';
import { LimitsController } from './limits.controller.js';

/** The namespace of docs/operations.md, so the user is the documented one word for word. */
const NAMESPACE = 'shop';

describe('S14 a Redis user who may too much', () => {
  let scene: TxnScene;
  let server: RedisServer;
  let admin: Redis;
  let app: TxnApp;

  const asUser = (): RedisConnectionOptions => {
    return { host: server.host, port: server.port, username: NAMESPACE, password: DOCUMENTED_PASSWORD };
  };
  const start = (): Promise<TxnApp> =>
    scene.app({
      controllers: [AddressedController, BusyController, LimitsController],
      module: { store: redisStore(asUser()), namespace: NAMESPACE },
    });

  beforeAll(async () => {
    scene = await TxnScene.start();
    server = await startRedisServer({ access: 'plain' });
    admin = observer(server);
    await admin.call('ACL', 'SETUSER', ...documentedUser({ namespace: NAMESPACE }));
    app = await start();
  }, 20_000);
  afterAll(async () => {
    admin.disconnect();
    await scene.stop();
    await server.stop();
  });

  it('is not needed: an application does everything as the documented user, and is refused nothing', async () => {
    BusyController.inside = Promise.resolve();
    const { cache, locks, versions, coordinator } = app;
    expect((await app.send('POST', '/by/body', { body: { id: 'a' } })).status).toBe(201);
    expect((await app.send('POST', '/busy/hot')).status).toBe(409);
    expect((await app.send('POST', '/much/keys', { body: { count: 128 } })).status).toBe(201);
    expect((await app.send('POST', '/much/kept/k', { body: { kept: 1 } })).status).toBe(201);
    const read = await app.send('GET', '/much/kept/k');
    const headers = { 'if-none-match': String(read.headers['etag']) };
    expect((await app.send('GET', '/much/kept/k', { headers })).status).toBe(304);

    // A hand-over to a waiter, which comes by the subscription; after SCRIPT FLUSH, with EVAL.
    await admin.script('FLUSH');
    const holder = await locks.acquire('door', { minHold: 50 });
    const next = locks.acquire('door');
    await eventually(async () => (await locks.inspect('door'))?.waiters === 1, { what: 'the waiter' });
    await holder.release();
    const lock = await next;
    const listed: string[] = [];
    for await (const { name } of locks.list('d*')) listed.push(name);
    expect([listed, await locks.forceRelease('door', { fence: lock.fence })]).toEqual([['door'], true]);
    expect(await lock.release()).toBe('lost');

    await coordinator.run(() => cache.setMany({ a: 1, b: 2 }, { ttl: 0 }));
    await cache.delete('a', 'b');
    const version = await versions.bump('counted');
    expect(await versions.compareAndSet('counted', version, 'x')).toBeGreaterThan(version);
    await app.app.close();
    app = await start();
    expect(await admin.call('ACL', 'LOG')).toEqual([]);
  });

  it('is not given: the documented user may touch no other key or channel, and run nothing else', async () => {
    const user = observer(server, asUser());
    const elsewhere = "return redis.call('SET', 'bank:e:1', 'stolen')";
    for (const [command, ...args] of [
      ['GET', 'bank:e:1'],
      ['SET', 'bank:e:1', 'x'],
      ['HMGET', 'bank:e:1', 'v'],
      ['EVAL', elsewhere, '0'],
      ['EVAL', elsewhere, '1', 'bank:e:1'],
      ['PUBLISH', 'bank:in:1', 'x'],
      ['SUBSCRIBE', 'bank:in:1'],
      ['PSUBSCRIBE', '*'],
      ...[['KEYS', '*'], ['FLUSHALL'], ['FLUSHDB'], ['CONFIG', 'GET', '*'], ['ACL', 'LIST'], ['DEBUG', 'SLEEP', '0']],
      ...[['CLIENT', 'LIST'], ['MONITOR'], ['SHUTDOWN', 'NOSAVE'], ['REPLICAOF', 'NO', 'ONE'], ['SCRIPT', 'FLUSH']],
      ...[
        ['MODULE', 'LIST'],
        ['FUNCTION', 'LIST'],
        ['DEL', 'shop:e:a'],
        ['SELECT', '1'],
        ['SWAPDB', '0', '1'],
      ],
    ] as [string, ...string[]][]) {
      await expect(user.call(command, ...args)).rejects.toThrow(/NOPERM|can't access at least one of the keys/);
    }
    user.disconnect();
    expect(await admin.exists('bank:e:1')).toBe(0);
  });
});

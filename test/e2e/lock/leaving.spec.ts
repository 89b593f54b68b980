import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { CurrentLock, Locked, LockSignal, type Lock } from 'nestjs-cache-txn';
import { once } from 'node:events';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS } from '../../support/txn-scene.js';
import { Door, LockScene, post } from './lock-app.js';

let scene: LockScene;
beforeAll(async () => {
  scene = await LockScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

describe.each(ADAPTERS)('G36: a client of %s that disconnects', (adapter) => {
  it('while its call waits leaves the queue, and the method never runs', async () => {
    const door = new Door();
    @Controller()
    class Orders {
      @Post()
      @Locked('order')
      pay(): Promise<void> {
        return door.pass();
      }
    }
    const { url, locks, namespace } = await scene.app({ adapter, controllers: [Orders], lock: { wait: '1m' } });
    const held = await locks.acquire('order');
    const client = new AbortController();
    const answer = post(url, { signal: client.signal }).catch((error: unknown) => error);
    await scene.queued(locks, 'order', 1);
    client.abort();
    await answer;
    await scene.queued(locks, 'order', 0);
    await held.release();
    expect(await scene.leftovers(namespace)).toEqual([]);
    expect(door.entries).toBe(0);
  });

  it('while its method works aborts the signal, and the lock is free as soon as the method has settled', async () => {
    const ends: unknown[] = [];
    const door = new Door();
    @Controller()
    class Orders {
      @Post()
      @Locked('order')
      async pay(@LockSignal() signal: AbortSignal): Promise<void> {
        door.entries += 1;
        if (!signal.aborted) await once(signal, 'abort');
        ends.push(signal.reason);
      }
    }
    const { url, locks, namespace } = await scene.app({ adapter, controllers: [Orders] });
    const client = new AbortController();
    const answer = post(url, { signal: client.signal }).catch((error: unknown) => error);
    await door.reached();
    const next = locks.acquire('order');
    await scene.queued(locks, 'order', 1);
    client.abort();
    await answer;
    await (await next).release();
    expect(ends).toMatchObject([{ code: 'TXN_ABORTED' }]);
    expect(await scene.leftovers(namespace)).toEqual([]);
  });

  it('does not free the lock under a method that goes on working', async () => {
    const door = new Door();
    let seen: Lock | undefined;
    @Controller()
    class Orders {
      @Post()
      @Locked('order')
      async pay(@CurrentLock() lock: Lock): Promise<void> {
        seen = lock;
        await door.pass();
      }
    }
    const { url, locks } = await scene.app({ adapter, controllers: [Orders] });
    const client = new AbortController();
    const answer = post(url, { signal: client.signal }).catch((error: unknown) => error);
    await door.reached();
    client.abort();
    await answer;
    await eventually(() => seen?.signal.aborted ?? false, { what: 'the signal of the lock' });
    expect(seen?.isHeld()).toBe(true);
    expect(await locks.tryAcquire('order')).toBeNull();
    door.open();
    await (await locks.acquire('order')).release();
  });
});

describe('G13: an application that closes in the middle of calls', () => {
  it('lets them finish, sends waiters away with 503, and leaves nothing behind', async () => {
    const door = new Door();
    @Controller()
    class Orders {
      @Post('a')
      @Locked('a')
      a(): Promise<string> {
        return door.pass().then(() => 'finished');
      }
      @Post('b')
      @Locked(['a', 'b'])
      b(): Promise<string> {
        return this.a();
      }
    }
    const { app, url, locks, namespace } = await scene.app({ controllers: [Orders], lock: { wait: '1m' } });
    const working = post(`${url}/a`);
    await door.reached();
    const waiting = [post(`${url}/b`), post(`${url}/a`)];
    await scene.queued(locks, 'a', 2);
    const closing = app.close();
    const sentAway = await Promise.all(waiting);
    expect(sentAway.map(({ status }) => status)).toEqual([503, 503]);
    expect(await sentAway[0]!.json()).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect((await post(`${url}/b`)).status).toBe(503);
    expect(await scene.leftovers(namespace)).not.toEqual([]);
    door.open();
    const answer = await working;
    expect([answer.status, await answer.text()]).toEqual([201, 'finished']);
    await closing;
    expect(await scene.leftovers(namespace)).toEqual([]);
    expect(door.entries).toBe(1);
  });

  it('fires the signals after the grace, and releases only once the method has settled', async () => {
    const door = new Door();
    let heldAtSignal: readonly string[] = [];
    @Controller()
    class Orders {
      @Post()
      @Locked(['a', 'b'])
      async pay(@LockSignal() signal: AbortSignal): Promise<void> {
        door.entries += 1;
        await once(signal, 'abort');
        heldAtSignal = await scene.leftovers(namespace);
        throw signal.reason;
      }
    }
    const { app, url, namespace } = await scene.app({ controllers: [Orders], shutdownGrace: 300 });
    const working = post(url);
    await door.reached();
    await app.close();
    const answer = await working;
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'LOCK_LOST' });
    expect(heldAtSignal).toEqual(expect.arrayContaining([`${namespace}:l:a t`, `${namespace}:l:b t`]));
    expect(await scene.leftovers(namespace)).toEqual([]);
  });
});

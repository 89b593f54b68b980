import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Inject, Injectable, Param, Post } from '@nestjs/common';
import { CurrentLock, FenceToken, Locked, LockSignal, type Lock } from 'nestjs-cache-txn';
import { ADAPTERS } from '../../support/txn-scene.js';
import { Door, LockScene, post } from './lock-app.js';

let scene: LockScene;
beforeAll(async () => {
  scene = await LockScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

interface Problem {
  readonly code: string;
  readonly message: string;
}

describe.each(ADAPTERS)('@Locked over HTTP on %s', (adapter) => {
  it('answers 423 with Retry-After while somebody else holds the lock, and the method does not run', async () => {
    const door = new Door();
    @Controller('orders')
    class Orders {
      @Post(':id')
      @Locked('order:{params.id}', { wait: 0, lease: '20s' })
      pay(): Promise<void> {
        return door.pass();
      }
    }
    const { url } = await scene.app({ adapter, controllers: [Orders] });
    const first = post(`${url}/orders/7`);
    await door.reached();
    const second = await post(`${url}/orders/7`);
    expect(second.status).toBe(423);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThanOrEqual(18);
    expect(Number(second.headers.get('retry-after'))).toBeLessThanOrEqual(20);
    expect((await second.json()) as Problem).toMatchObject({ code: 'LOCK_TIMEOUT', message: /order:7/ });
    const other = post(`${url}/orders/8`);
    await door.reached(2);
    door.open();
    expect([(await first).status, (await other).status]).toEqual([201, 201]);
    expect(door.entries).toBe(2);
  });

  it('makes a second caller wait and then runs it, one at a time', async () => {
    let inside = 0;
    let most = 0;
    @Controller('orders')
    class Orders {
      @Post(':id')
      @Locked('order:{params.id}', { wait: '10s' })
      async pay(): Promise<void> {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      }
    }
    const { url, namespace } = await scene.app({ adapter, controllers: [Orders] });
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(`${url}/orders/7`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(most).toBe(1);
    expect(await scene.leftovers(namespace)).toEqual([]);
  });

  it("G12: onBusy 'skip' answers 204 over HTTP and undefined from a provider, and neither method runs", async () => {
    const runs: string[] = [];
    @Injectable()
    class Nightly {
      @Locked('nightly', { onBusy: 'skip' })
      async run(): Promise<string | undefined> {
        runs.push('provider');
        return 'done';
      }
    }
    @Controller()
    class Jobs {
      constructor(@Inject(Nightly) private readonly nightly: Nightly) {}
      @Post('direct')
      @Locked('nightly', { onBusy: 'skip' })
      direct(): string {
        runs.push('controller');
        return 'done';
      }
      @Post('through')
      async through(): Promise<{ result: string }> {
        return { result: (await this.nightly.run()) ?? 'nothing' };
      }
    }
    const { url, locks } = await scene.app({ adapter, controllers: [Jobs], providers: [Nightly] });
    const held = await locks.acquire('nightly');
    const skipped = await post(`${url}/direct`);
    expect([skipped.status, await skipped.text()]).toEqual([204, '']);
    expect(await (await post(`${url}/through`)).json()).toEqual({ result: 'nothing' });
    expect(runs).toEqual([]);
    await held.release();
    expect(await (await post(`${url}/direct`)).text()).toBe('done');
    expect(await (await post(`${url}/through`)).json()).toEqual({ result: 'done' });
    expect(runs).toEqual(['controller', 'provider']);
  });

  it('G12: minHold keeps the name blocked after the method, for the next run of the job', async () => {
    @Controller()
    class Jobs {
      @Post()
      @Locked('nightly', { onBusy: 'skip', minHold: '1m' })
      run(): string {
        return 'done';
      }
    }
    const { url, locks } = await scene.app({ adapter, controllers: [Jobs] });
    expect([(await post(url)).status, (await post(url)).status]).toEqual([201, 204]);
    expect(await locks.inspect('nightly')).toMatchObject({ owner: '', waiters: 0 });
  });

  it('gives the method its lock, signal and fence as parameters', async () => {
    @Controller()
    class Orders {
      @Get(':id')
      @Locked(['order:{params.id}', 'audit'])
      find(@CurrentLock() lock: Lock, @LockSignal() signal: AbortSignal, @FenceToken() fence: number): object {
        return {
          names: lock.names,
          isSame: lock.signal === signal,
          isHeld: lock.isHeld(),
          fences: [lock.fence, fence],
        };
      }
      @Get()
      bare(@CurrentLock() lock: Lock): object {
        return lock;
      }
    }
    const { url, locks } = await scene.app({ adapter, controllers: [Orders] });
    const before = await locks.acquire('audit');
    await before.release();
    const seen = (await (await fetch(`${url}/7`)).json()) as { fences: [number, number] };
    expect(seen).toMatchObject({ names: ['order:7', 'audit'], isSame: true, isHeld: true });
    expect(seen.fences[0]).toBe(seen.fences[1]);
    expect(seen.fences[0]).toBeGreaterThan(before.fence);
    // Without @Locked there is none to give: a mistake of the application.
    expect((await fetch(url)).status).toBe(500);
  });

  it('on a class covers every route, and a method of its own names replaces it', async () => {
    const door = new Door();
    @Controller()
    @Locked('stock', { wait: 0 })
    class Stock {
      @Post('in')
      add(): Promise<void> {
        return door.pass();
      }
      @Post('out')
      remove(): void {}
      @Post('look')
      @Locked('catalogue', { wait: 0 })
      look(): void {}
    }
    const { url } = await scene.app({ adapter, controllers: [Stock] });
    const adding = post(`${url}/in`);
    await door.reached();
    const statuses = [(await post(`${url}/out`)).status, (await post(`${url}/look`)).status];
    expect(statuses).toEqual([423, 201]);
    door.open();
    expect((await adding).status).toBe(201);
    expect((await post(`${url}/out`)).status).toBe(201);
  });

  it('takes its names from a function of the call', async () => {
    const door = new Door();
    @Controller()
    class Tenants {
      @Post(':id')
      @Locked((call) => `{${(call.request['params'] as { id: string }).id}}:${call.methodName}`, { wait: 0 })
      move(@Param('id') id: string): Promise<string> {
        return door.pass().then(() => id);
      }
    }
    const { url, locks } = await scene.app({ adapter, controllers: [Tenants] });
    const moving = post(`${url}/t7`);
    await door.reached();
    expect(await locks.inspect('{t7}:move')).not.toBeNull();
    expect((await post(`${url}/t7`)).status).toBe(423);
    door.open();
    expect(await (await moving).text()).toBe('t7');
  });
});

describe('@Locked with several names', () => {
  it('G11: 100 opposing pairs of names all get through, never two at once', async () => {
    const inside = new Map<string, number>();
    let collisions = 0;
    @Controller('transfers')
    class Transfers {
      @Post()
      @Locked(['account:{body.from}', 'account:{body.to}'], { wait: '20s' })
      async move(@Body() { from, to }: { from: string; to: string }): Promise<void> {
        for (const account of [from, to]) {
          collisions += inside.get(account) ?? 0;
          inside.set(account, 1);
        }
        await new Promise((resolve) => setImmediate(resolve));
        for (const account of [from, to]) inside.set(account, 0);
      }
    }
    const { url, namespace } = await scene.app({ controllers: [Transfers] });
    const headers = { 'content-type': 'application/json' };
    const transfer = (from: string, to: string): Promise<Response> =>
      post(`${url}/transfers`, { headers, body: JSON.stringify({ from, to }) });
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => [transfer('a', 'b'), transfer('b', 'a')]).flat(),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(collisions).toBe(0);
    expect(await scene.leftovers(namespace)).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { currentLock } from '../../../src/lock/held-locks.js';
import { Locked } from '../../../src/lock/locked.decorator.js';
import { LockedLayer } from '../../../src/lock/locked.layer.js';
import type { Lock } from '../../../src/lock/lock.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { type Around, type Emitted, RANK } from '../../../src/pipeline/layer.js';
import type { AcquireRequest } from '../../../src/store/lock-operations.js';
import { makeCall } from '../pipeline/make-call.js';
import { unavailable } from '../../support/stores/scripted-store.js';
import { followersOf, type LockProcess, LockWorld, observe } from './lock-world.js';

class Jobs {
  bare(): void {}
  @Locked('order:{params.id}')
  order(): void {}
  @Locked(['b', 'a'], { lease: '3s', wait: 1_000, minHold: 70 })
  several(): void {}
  @Locked((call) => `from:${String(call.args[0])}`)
  byFunction(): void {}
  @Locked('job', { onBusy: 'skip' })
  skipping(): void {}
  @Locked('job', { onBusy: 'skip', wait: 500 })
  skippingLater(): void {}
}

function aroundOf(process: LockProcess, name: keyof Jobs): Around {
  const method = describeMethod(Jobs, name, Jobs.prototype[name], 'controller');
  return new LockedLayer(process.locks).prepare(method);
}

const answers = async (): Promise<Emitted> => ['ran'];

/** An HTTP exchange of which only the status is looked at. */
const exchange = (): { http: never; status: () => number | undefined } => {
  let status: number | undefined;
  return { http: { setStatus: (code: number) => (status = code) } as never, status: () => status };
};

describe('the layer of @Locked', () => {
  it('is the outermost, leaves the answer alone and wants only decorated methods', async () => {
    const layer = new LockedLayer((await new LockWorld().process()).locks);
    expect([layer.rank, layer.ownsAnswer]).toEqual([RANK.lock, false]);
    expect(layer.storeOf(describeMethod(Jobs, 'bare', Jobs.prototype.bare, 'controller'))).toBeUndefined();
  });

  it('takes the names of the call with the options of the decorator, and releases them with minHold', async () => {
    const process = await new LockWorld().process();
    await aroundOf(process, 'order')(makeCall({ request: { params: { id: '7' } } }), answers);
    await aroundOf(process, 'byFunction')(makeCall({ args: ['x'] }), answers);
    await aroundOf(process, 'several')(makeCall(), answers);
    expect(process.store.calls.map(({ request }) => request)).toMatchObject([
      { names: ['order:7'], leaseMs: 10_000 },
      { names: ['order:7'], minHoldMs: 0 },
      { names: ['from:x'] },
      { names: ['from:x'] },
      { names: ['a', 'b'], leaseMs: 3_000 },
      { names: ['a', 'b'], minHoldMs: 70 },
    ]);
  });

  it('makes the lock part of the call, and releases it after the method has settled, answer or error', async () => {
    const process = await new LockWorld().process();
    const { store } = process;
    const around = aroundOf(process, 'byFunction');
    const call = makeCall({ args: ['x'] });
    const emitted = await around(call, async () => {
      expect(currentLock()?.names).toEqual(['from:x']);
      expect(store.count('releaseLocks')).toBe(0);
      return answers();
    });
    expect(emitted).toEqual(['ran']);
    const mine = new Error('mine');
    await expect(around(call, async () => Promise.reject(mine))).rejects.toBe(mine);
    expect(store.count('releaseLocks')).toBe(2);
    expect(currentLock()).toBeUndefined();
  });

  it('throws LOCK_TIMEOUT after wait, and the method has not run', async () => {
    const world = new LockWorld();
    const process = await world.process();
    await process.locks.acquire('b');
    const call = observe(aroundOf(process, 'several')(makeCall(), answers));
    await world.elapse(999);
    expect(call.state).toBe('pending');
    await world.elapse(1);
    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT' });
  });
});

describe("G12: onBusy 'skip'", () => {
  it('leaves the method out without waiting: 204 over HTTP, no value elsewhere', async () => {
    const process = await new LockWorld().process();
    await process.locks.acquire('job');
    const { http, status } = exchange();
    await expect(aroundOf(process, 'skipping')(makeCall({ http }), answers)).resolves.toEqual([]);
    expect(status()).toBe(204);
    await expect(aroundOf(process, 'skipping')(makeCall({ transport: 'provider' }), answers)).resolves.toEqual([]);
    expect(
      process.store
        .requests<AcquireRequest>('acquireLocks')
        .map(({ queueMs }) => queueMs)
        .slice(1),
    ).toEqual([0, 0]);
  });

  it('waits when it is told to, and skips then', async () => {
    const world = new LockWorld();
    const process = await world.process();
    await process.locks.acquire('job');
    const call = observe(aroundOf(process, 'skippingLater')(makeCall(), answers));
    await world.elapse(499);
    expect(call.state).toBe('pending');
    await world.elapse(1);
    expect(call.value).toEqual([]);
  });

  it('skips for a busy lock only: a store that is away, and LOCK_TIMEOUT of the method itself, are errors', async () => {
    const process = await new LockWorld().process();
    const around = aroundOf(process, 'skipping');
    const inTheWay = await process.locks.acquire('other');
    await expect(around(makeCall(), () => process.locks.acquire('other', { wait: 0 }) as never)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    await inTheWay.release();
    process.store.always('acquireLocks', unavailable);
    await expect(around(makeCall(), answers)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('G36: a client that leaves', () => {
  it('while its call waits ends the waiting', async () => {
    const world = new LockWorld();
    const process = await world.process();
    const holder = await process.locks.acquire('b');
    const client = new AbortController();
    const call = observe(aroundOf(process, 'several')(makeCall({ signal: client.signal }), answers));
    await world.settle();
    const left = new Error('the client left');
    client.abort(left);
    await world.settle();
    expect(call.error).toBe(left);
    expect((await process.store.inspectLock('b'))?.waiters).toBe(0);
    await holder.release();
  });

  it('while its method runs aborts the signal of the lock, which is held until the method has settled', async () => {
    const world = new LockWorld();
    const process = await world.process();
    const client = new AbortController();
    let lock: Lock | undefined;
    let finish: () => void = () => undefined;
    const work = new Promise<void>((resolve) => (finish = resolve));
    const call = observe(
      aroundOf(process, 'several')(makeCall({ signal: client.signal }), async () => {
        lock = currentLock();
        await work;
        return [];
      }),
    );
    await world.settle();
    expect(lock?.signal.aborted).toBe(false);
    const left = new Error('the client left');
    client.abort(left);
    expect(lock?.signal.reason).toBe(left);
    expect(lock?.isHeld()).toBe(true);
    await world.elapse(60_000);
    expect(await process.store.inspectLock('a')).not.toBeNull();
    finish();
    await world.elapse(100);
    expect(call.state).toBe('fulfilled');
    await expect(process.store.inspectLock('a')).resolves.toBeNull();
  });

  it('leaves nothing behind on its signal when the call is over', async () => {
    const process = await new LockWorld().process();
    const client = new AbortController();
    const around = aroundOf(process, 'byFunction');
    for (let i = 0; i < 3; i++) await around(makeCall({ args: [i], signal: client.signal }), answers);
    expect(followersOf(client.signal)).toBe(0);
  });
});

import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import { LoadTimeoutError } from '../../../src/base/errors.js';
import { waitingCall } from '../../../src/cache/loading/waiting-call.js';
import type { LeaseRequest } from '../../../src/store/fill-operations.js';
import { observe } from '../lock/lock-world.js';
import { gate } from '../../support/stores/scripted-store.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;
let third: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other, third] = [await world.process(), await world.process(), await world.process()];
});

/** A load of another process that has begun, and does what the test says when it is let go. */
async function loading(answer: () => unknown, options = {}, key = 'a') {
  const [begun, end] = [milestone(), milestone()];
  const call = other.cache.getOrLoad(
    key,
    async () => {
      begun.reach();
      await end.reached;
      return answer();
    },
    options,
  );
  call.catch(() => undefined);
  await begun.reached;
  return { call, end: end.reach };
}

/** Counts its calls. */
function loaderOf(value: string) {
  const load = (): string => {
    load.calls += 1;
    return value;
  };
  load.calls = 0;
  return load;
}

describe('a call that finds another process loading', () => {
  it('G51: waits, and gets the value that the other has cached', async () => {
    const theirs = await loading(() => 'theirs');
    const ours = loaderOf('ours');
    const calls = [observe(app.cache.getOrLoad('a', ours)), observe(third.cache.getOrLoad('a', ours))];
    await world.elapse(4_000);
    expect(calls.map(({ state }) => state)).toEqual(['pending', 'pending']);
    theirs.end();
    await world.settle();
    expect(calls).toMatchObject(Array(2).fill({ state: 'fulfilled', value: 'theirs' }));
    expect([await theirs.call, ours.calls]).toEqual(['theirs', 0]);
  });

  it('asks, asks to be told, and asks again when it is: three times for a short load, once for all calls of its process', async () => {
    const theirs = await loading(() => 'theirs');
    const calls = [observe(app.cache.getOrLoad('a', () => 'ours'))];
    await world.settle();
    calls.push(observe(app.cache.getOrLoad('a', () => 'ours')));
    await world.elapse(49);
    theirs.end();
    await world.settle();
    expect(calls.map(({ value }) => value)).toEqual(['theirs', 'theirs']);
    const asked = app.store.requests<LeaseRequest>('leaseFill').map(({ tellsEnd = false }) => tellsEnd);
    // The first call, its wait, the second call, which joins it, and the wait when it is told.
    expect(asked).toEqual([false, true, false, true]);
  });

  it('asks at once when it is told while it asks', async () => {
    const theirs = await loading(() => 'theirs');
    const asking = gate();
    app.store.next('leaseFill', (run) => run(), asking.lateReply);
    const call = observe(app.cache.getOrLoad('a', () => 'ours'));
    await world.settle();
    theirs.end();
    await theirs.call;
    await world.settle();
    asking.open();
    await world.settle();
    expect(call).toMatchObject({ state: 'fulfilled', value: 'theirs' });
  });

  it('G51: takes no other call along when it is given up, for whatever reason', async () => {
    const theirs = await loading(() => 'theirs');
    const leaving = new AbortController();
    const gone = observe(callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', () => 'ours')));
    await world.settle();
    const stays = observe(app.cache.getOrLoad('a', () => 'ours'));
    await world.settle();
    leaving.abort(new LoadTimeoutError('of a load around it'));
    await world.settle();
    expect([gone.error, stays.state]).toEqual([leaving.signal.reason, 'pending']);
    theirs.end();
    await world.settle();
    expect(stays.value).toBe('theirs');
  });

  it('asks no more often for a message that comes twice', async () => {
    const theirs = await loading(() => 'theirs');
    app.store.next('hint', 'duplicate');
    const call = app.cache.getOrLoad('a', () => 'ours');
    await world.settle();
    theirs.end();
    await call;
    await world.settle();
    expect([await call, app.store.requests('leaseFill').length]).toEqual(['theirs', 3]);
  });

  it('asks once, and waits on, when it is told although the other is loading still', async () => {
    const theirs = await loading(() => 'theirs');
    const listen = jest.spyOn(app.store, 'onLeaseEnd');
    const call = observe(app.cache.getOrLoad('a', () => 'ours'));
    await world.settle();
    const [{ token } = { token: '' }] = other.store.requests<LeaseRequest>('leaseFill');
    listen.mock.calls[0]![0]({ token });
    await world.elapse(49);
    expect([call.state, app.store.requests('leaseFill').length]).toEqual(['pending', 3]);
    theirs.end();
    await world.settle();
    expect(call.value).toBe('theirs');
  });

  it('listens to the store only while it waits', async () => {
    const listen = jest.spyOn(app.store, 'onLeaseEnd');
    const stops: jest.Mock[] = [];
    const [one, two] = [await loading(() => 'theirs'), await loading(() => 'theirs', {}, 'b')];
    listen.mockImplementation(() => {
      const stop = jest.fn();
      stops.push(stop);
      return stop;
    });
    const calls = ['a', 'b'].map((key) => app.cache.getOrLoad(key, () => 'ours'));
    await world.settle();
    expect(stops.map((stop) => stop.mock.calls.length)).toEqual([0]);
    one.end();
    await world.elapse(50);
    expect(stops.map((stop) => stop.mock.calls.length)).toEqual([0]);
    two.end();
    await world.elapse(250);
    expect(await Promise.all(calls)).toEqual(['theirs', 'theirs']);
    expect(stops.map((stop) => stop.mock.calls.length)).toEqual([1]);
  });

  it('asks at once, and where it is told nothing after 50, 100, 200 and then every 250 ms, once for all calls of its process', async () => {
    app.store.always('hint', 'drop-before');
    await loading(() => 'theirs');
    const asked = (): number => app.store.requests('leaseFill').length;
    const waiting = [1, 2, 3].map(() => app.cache.getOrLoad('a', () => 'ours'));
    await world.settle();
    const before = asked();
    const times: number[] = [];
    for (let ms = 1; ms <= 1_000; ms += 1) {
      const seen = asked();
      await world.elapse(1);
      if (asked() > seen) times.push(ms);
    }
    expect([before, times]).toEqual([4, [50, 150, 350, 600, 850]]);
    await third.cache.set('a', 'written');
    await world.elapse(250);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('written'));
  });

  it('G52: loads as well after its wait, and does not cache that', async () => {
    const theirs = await loading(() => 'theirs', { timeout: '1m' });
    const ours = loaderOf('ours');
    const call = observe(app.cache.getOrLoad('a', ours, { wait: '300ms' }));
    await world.elapse(299);
    expect([call.state, ours.calls]).toEqual(['pending', 0]);
    await world.elapse(1);
    expect(call).toMatchObject({ state: 'fulfilled', value: 'ours' });
    expect(await app.cache.get('a')).toBeUndefined();
    theirs.end();
    await theirs.call;
    expect(await app.cache.get('a')).toBe('theirs');
  });

  it('loads at once when it may not wait', async () => {
    await loading(() => 'theirs');
    expect(await app.cache.getOrLoad('a', () => 'ours', { wait: 0 })).toBe('ours');
  });

  it('waits as long as its module says', async () => {
    const [hasty] = [await world.process({ cache: { wait: 0 } })];
    await loading(() => 'theirs');
    expect(await hasty.cache.getOrLoad('a', () => 'ours')).toBe('ours');
  });

  it.each([
    ['has failed', () => Promise.reject(new Error('their database is away'))],
    ['has found nothing', () => undefined],
  ])('loads and caches when the other %s; of several that wait one does', async (_what, answer) => {
    const theirs = await loading(answer);
    const ours = loaderOf('ours');
    const calls = [app.cache.getOrLoad('a', ours), third.cache.getOrLoad('a', ours)];
    await world.settle();
    theirs.end();
    await world.settle();
    expect([await Promise.all(calls), ours.calls]).toEqual([['ours', 'ours'], 1]);
    expect(await other.cache.get('a')).toBe('ours');
  });

  it('loads and caches when the other has died, a second after the time of its loader; of several that wait one does', async () => {
    await loading(() => 'never', { timeout: '2s' });
    other.store.next('fill', () => new Promise(() => undefined));
    const ours = loaderOf('ours');
    const calls = [app, third].map(({ cache }) => observe(cache.getOrLoad('a', ours)));
    await world.elapse(2_999);
    expect(calls.map(({ state }) => state)).toEqual(['pending', 'pending']);
    await world.elapse(1);
    expect(calls).toMatchObject(Array(2).fill({ state: 'fulfilled', value: 'ours' }));
    expect(ours.calls).toBe(1);
  });

  it('gets what was written meanwhile, and not what the other loads', async () => {
    const theirs = await loading(() => 'old');
    const call = app.cache.getOrLoad('a', () => 'ours');
    await world.settle();
    await third.cache.set('a', 'written');
    await world.settle();
    expect(await call).toBe('written');
    theirs.end();
    await theirs.call;
    expect(await app.cache.get('a')).toBe('written');
  });

  it('waits for the next load when the first one was overtaken by a write', async () => {
    // Else it is told of the write, and has the next lease itself.
    app.store.next('hint', 'drop-before');
    await loading(() => 'old');
    const call = observe(app.cache.getOrLoad('a', () => 'ours'));
    await world.settle();
    await third.cache.delete('a');
    const [begun, end] = [milestone(), milestone()];
    const next = third.cache.getOrLoad('a', async () => {
      begun.reach();
      await end.reached;
      return 'new';
    });
    await begun.reached;
    await world.elapse(250);
    expect(call.state).toBe('pending');
    end.reach();
    await world.settle();
    expect([await next, call]).toMatchObject(['new', { state: 'fulfilled', value: 'new' }]);
  });

  it('loads what nobody is loading at once, beside it', async () => {
    const theirs = await loading(() => 'theirs');
    const asked: (readonly string[])[] = [];
    const call = app.cache.getOrLoadMany(['a', 'b'], (keys) => {
      asked.push(keys);
      return Object.fromEntries(keys.map((key) => [key, `our ${key}`]));
    });
    await world.settle();
    expect([asked, await app.cache.get('b')]).toEqual([[['b']], 'our b']);
    theirs.end();
    await world.elapse(50);
    expect(Object.fromEntries(await call)).toEqual({ a: 'theirs', b: 'our b' });
    expect(asked).toEqual([['b']]);
  });

  it('fails as the store does when that goes away, and it is told to', async () => {
    await loading(() => 'theirs');
    const call = app.cache.getOrLoad('a', () => 'ours', { onStoreError: 'throw' });
    await world.settle();
    app.store.next('leaseFill', 'refuse');
    const failed = expect(call).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await world.elapse(50);
    await failed;
  });
});

describe('the time of a loader', () => {
  it('G52: ends with LOAD_TIMEOUT and its signal, and leaves the key to others at once', async () => {
    let signal: AbortSignal | undefined;
    const load = (given: AbortSignal): Promise<string> => {
      signal = given;
      return new Promise(() => undefined);
    };
    const call = observe(app.cache.getOrLoad('a', load, { timeout: '100ms' }));
    await world.elapse(99);
    expect([call.state, signal?.aborted]).toEqual(['pending', false]);
    await world.elapse(1);
    expect(call).toMatchObject({
      state: 'rejected',
      error: { code: 'LOAD_TIMEOUT', retryable: true, details: { keys: ['a'], timeoutMs: 100 } },
    });
    expect(signal?.reason).toMatchObject({ code: 'LOAD_TIMEOUT' });
    const theirs = loaderOf('theirs');
    expect([await other.cache.getOrLoad('a', theirs), theirs.calls]).toEqual(['theirs', 1]);
  });

  it.each([
    ['of the library', {}, 5_000],
    ['of its module', { timeout: '200ms' } as const, 200],
  ])('is by default that %s, inside a transaction too', async (_whose, cache, ms) => {
    const { cache: own, coordinator } = await world.process({ cache, txn: { timeout: '1m' } });
    const load = (): Promise<string> => new Promise(() => undefined);
    const calls = [own.getOrLoad('a', load), coordinator.run(() => own.getOrLoad('b', load))].map(observe);
    await world.elapse(ms - 1);
    expect(calls.map(({ state }) => state)).toEqual(['pending', 'pending']);
    await world.elapse(1);
    expect(calls).toMatchObject(Array(2).fill({ state: 'rejected', error: { code: 'LOAD_TIMEOUT' } }));
  });

  it('names three keys of many', async () => {
    const call = observe(app.cache.getOrLoadMany(['a', 'b', 'c', 'd'], () => new Promise(() => undefined)));
    await world.elapse(5_000);
    expect(call).toMatchObject({
      state: 'rejected',
      error: { message: expect.stringContaining('a, b, c and 1 more') },
    });
  });

  it.each([
    [{ timeout: 0 }, 'cache.timeout: 0 ms is outside 1 ms to 3600000 ms'],
    [{ wait: '2h' } as const, 'cache.wait: 7200000 ms is outside 0 ms to 3600000 ms'],
    [{ retries: 3 }, /a load has no option 'retries'/],
  ])('%j is refused', async (options, message) => {
    await expect(app.cache.getOrLoad('a', () => 'ours', options as object)).rejects.toThrow(message);
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import { LoadTimeoutError } from '../../../src/base/errors.js';
import { waitingCall } from '../../../src/cache/loading/waiting-call.js';
import { observe } from '../lock/lock-world.js';
import { lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

const asked = (): number => app.store.requests('leaseFill').length;

/** Every question of a read fails, of a load and of `get`, until what it gives is called. */
function storeGoesAway(process = app): () => void {
  const set = (fault: typeof unavailable | undefined): void => {
    for (const operation of ['leaseFill', 'readEntries'] as const) process.store.always(operation, fault);
  };
  set(unavailable);
  return () => {
    set(undefined);
  };
}

describe('a read while the store does not answer', () => {
  it('G53: gets what its loader gives, which is cached by nobody', async () => {
    const back = storeGoesAway();
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
    expect(
      Object.fromEntries(await app.cache.getOrLoadMany(['a', 'b'], (keys) => new Map(keys.map((key) => [key, key])))),
    ).toEqual({ a: 'a', b: 'b' });
    back();
    expect(await app.cache.getMany(['a', 'b'])).toEqual(new Map());
    expect(await app.cache.getOrLoad('a', () => 'again')).toBe('again');
    expect(await app.cache.get('a')).toBe('again');
  });

  it('gets what it has loaded also when the answer to its fill is lost', async () => {
    app.store.next('fill', lostReply);
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
    expect(await other.cache.get('a')).toBe('loaded');
  });

  it('loads when the store goes away while it waits for another process', async () => {
    const begun = milestone();
    const theirs = other.cache.getOrLoad('a', () => {
      begun.reach();
      return new Promise(() => undefined);
    });
    theirs.catch(() => undefined);
    await begun.reached;
    const call = observe(app.cache.getOrLoad('a', () => 'ours'));
    await world.settle();
    storeGoesAway();
    await world.elapse(50);
    expect(call.value).toBe('ours');
  });

  it('shares a load with those that ask before it begins, so that the database gets one for each key', async () => {
    storeGoesAway();
    let loads = 0;
    const door = milestone();
    const load = async (): Promise<number> => {
      loads += 1;
      await door.reached;
      return loads;
    };
    const calls = Array.from({ length: 50 }, () => app.cache.getOrLoad('a', load));
    await world.settle();
    door.reach();
    // One that was under way, and one for all that came then.
    expect([new Set(await Promise.all(calls)).size, loads]).toEqual([2, 2]);
  });

  it('shares loads of several keys with those that ask before they begin, each by one call', async () => {
    storeGoesAway();
    const keys = ['a', 'b', 'c'];
    const loads: (readonly string[])[] = [];
    const door = milestone();
    const load = async (missing: readonly string[]): Promise<Map<string, number>> => {
      loads.push(missing);
      await door.reached;
      return new Map(missing.map((key) => [key, loads.length]));
    };
    const calls = Array.from({ length: 50 }, () => app.cache.getOrLoadMany(keys, load));
    await world.settle();
    door.reach();
    await Promise.all(calls);
    expect(loads).toEqual([keys, keys]);
  });

  it('G51: asks by itself when the call whose load it shares was given up, whatever that threw', async () => {
    storeGoesAway();
    const [first, door] = [milestone(), milestone()];
    const running = observe(app.cache.getOrLoad('a', () => first.reached.then(() => 'first')));
    await world.settle();
    const leaving = new AbortController();
    const failing = (): Promise<string> =>
      door.reached.then(() => {
        throw new Error('canceled');
      });
    const gone = observe(callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', failing)));
    const stays = observe(app.cache.getOrLoad('a', () => 'own'));
    first.reach();
    await world.settle();
    leaving.abort(new LoadTimeoutError('of a load around it'));
    door.reach();
    await world.settle();
    expect([running.value, gone.error, stays.value]).toEqual(['first', leaving.signal.reason, 'own']);
  });

  it('gets a value also when it has joined a call that is to throw', async () => {
    const begun = milestone();
    const theirs = other.cache.getOrLoad('a', () => {
      begun.reach();
      return new Promise(() => undefined);
    });
    theirs.catch(() => undefined);
    await begun.reached;
    const strict = app.cache.getOrLoad('a', () => 'strict', { onStoreError: 'throw' });
    const failed = expect(strict).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await world.settle();
    const joining = observe(app.cache.getOrLoad('a', () => 'loaded'));
    await world.settle();
    storeGoesAway();
    await world.elapse(50);
    await failed;
    await world.settle();
    expect(joining.value).toBe('loaded');
  });

  it('throws where it is told to, by its call or by its module', async () => {
    const strict = await world.process({ cache: { onStoreError: 'throw' } });
    storeGoesAway();
    storeGoesAway(strict);
    const calls = [
      app.cache.getOrLoad('a', () => 'loaded', { onStoreError: 'throw' }),
      strict.cache.getOrLoad('a', () => 'loaded'),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await strict.cache.getOrLoad('a', () => 'loaded', { onStoreError: 'load' })).toBe('loaded');
  });

  it('throws when its own fill is not answered and it is told to', async () => {
    app.store.next('fill', lostReply);
    const call = app.cache.getOrLoad('a', () => 'loaded', { onStoreError: 'throw' });
    await expect(call).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
  });

  it('throws inside a transaction, whatever it is told: there the store decides', async () => {
    app.store.next('readEntries', unavailable);
    const run = app.coordinator.run(() => app.cache.getOrLoad('a', () => 'loaded', { onStoreError: 'load' }));
    await expect(run).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('refuses anything else', async () => {
    const call = app.cache.getOrLoad('a', () => 1, { onStoreError: 'ignore' as never });
    await expect(call).rejects.toThrow(/cache.onStoreError/);
  });
});

describe('a store that takes no writes', () => {
  it('G53: still gives what it has, whatever is said of errors, and is not left alone', async () => {
    await other.cache.set('a', 'cached');
    app.store.always('leaseFill', unavailable);
    for (let i = 0; i < 10; i += 1) {
      const onStoreError = i % 2 === 0 ? 'load' : 'throw';
      expect(await app.cache.getOrLoad('a', () => 'loaded', { onStoreError })).toBe('cached');
    }
    expect([asked(), app.reported]).toEqual([10, []]);
    for (let i = 0; i < 10; i += 1) expect(await app.cache.getOrLoad('b', () => 'loaded')).toBe('loaded');
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('cached');
    expect(app.reported).toHaveLength(1);
  });

  it.each(['a', 'b'])('G53: is asked by all again once it has answered what it has of %s', async (key) => {
    await other.cache.set('a', 'cached');
    const back = storeGoesAway();
    for (let i = 0; i < 6; i += 1) await app.cache.getOrLoad(key, () => 'loaded');
    back();
    app.store.always('leaseFill', unavailable);
    await world.elapse(1_000);
    const before = asked();
    for (let i = 0; i < 3; i += 1) await app.cache.getOrLoad(key, () => 'loaded');
    expect(asked() - before).toBe(3);
  });

  it('gives nothing beside a prepared write', async () => {
    await other.cache.set('a', 'cached');
    const intent = { txnId: 'elsewhere', deadlineMs: Number.MAX_SAFE_INTEGER };
    app.store.always('leaseFill', unavailable);
    app.store.next('readEntries', async (run) => {
      const [entry] = (await run()) as [object];
      return [{ ...entry, intent }];
    });
    expect(await app.cache.getOrLoad('a', () => 'loaded')).toBe('loaded');
  });
});

describe('a lease whose grant got lost', () => {
  it.each(['load', 'throw'] as const)(
    'is given back, so that others need not wait for it (%s)',
    async (onStoreError) => {
      app.store.next('leaseFill', lostReply);
      const call = app.cache.getOrLoad('a', () => 'ours', { onStoreError });
      if (onStoreError === 'load') expect(await call).toBe('ours');
      else await expect(call).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
      expect(await other.cache.getOrLoad('a', () => 'theirs')).toBe('theirs');
      expect(await other.cache.get('a')).toBe('theirs');
    },
  );
});

describe('a store that does not answer', () => {
  const load = (): Promise<unknown> => app.cache.getOrLoad('a', () => 'loaded');

  it('is left alone after five failures in a row, and asked once a second whether it is back', async () => {
    const back = storeGoesAway();
    for (let i = 0; i < 20; i += 1) await load();
    expect(asked()).toBe(5);
    await world.elapse(999);
    await load();
    expect(asked()).toBe(5);
    await world.elapse(1);
    await Promise.all([load(), load(), load()]);
    expect(asked()).toBe(6);
    back();
    await world.elapse(1_000);
    await load();
    await load();
    expect(asked()).toBe(8);
    expect(await app.cache.get('a')).toBe('loaded');
  });

  it('is not left alone when it answers in between', async () => {
    for (let i = 0; i < 6; i += 1) {
      const back = storeGoesAway();
      for (let n = 0; n < 4; n += 1) await load();
      back();
      await load();
    }
    expect(asked()).toBe(30);
  });

  it('is told once, until it has answered', async () => {
    for (let i = 1; i <= 2; i += 1) {
      const back = storeGoesAway();
      await Promise.all([load(), load()]);
      await load();
      expect(app.reported).toHaveLength(i);
      back();
      await load();
    }
    expect(app.reported[0]).toMatchObject({
      error: { code: 'STORE_UNAVAILABLE' },
      origin: { during: 'cache read', details: { key: 'a' } },
    });
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import { waitingCall } from '../../../src/cache/loading/waiting-call.js';
import { EntryReader } from '../../../src/commit/entry-reader.js';
import { prefetch } from '../../../src/version/conditional-read.js';
import { ResourceCall, withResource } from '../../../src/version/resource-call.js';
import { observe } from '../lock/lock-world.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

/** Gives 1, 2, and so on. */
function counter() {
  const load = (): number => {
    load.calls += 1;
    return load.calls;
  };
  load.calls = 0;
  return load;
}

const failing = (): never => {
  throw new Error('the database is away');
};

describe('staleWhileRevalidate', () => {
  const options = { ttl: '1m', staleWhileRevalidate: '30s' } as const;

  it('G56: is what the call says, also for what was read of its resource before', async () => {
    await app.cache.getOrLoad('a', () => 'old', options);
    await world.elapse(60_000);
    const resource = new ResourceCall('a', app.store, false, undefined);
    await prefetch(resource, new EntryReader(app.store), () => Promise.resolve(true));
    const call = withResource(resource, () => app.cache.getOrLoad('a', () => 'new', { ttl: '1m' }));
    expect(await call).toBe('new');
    expect(withResource(resource, () => resource.takePrefetched())).toBeUndefined();
  });

  it('gives a stale value at once and loads it anew once, in all processes', async () => {
    const load = counter();
    await app.cache.getOrLoad('a', load, options);
    await world.elapse(60_000);
    const reads = [1, 2, 3].flatMap(() =>
      [app, other].map(({ cache }) => observe(cache.getOrLoad('a', load, options))),
    );
    await world.settle();
    expect(reads.map(({ value }) => value)).toEqual(Array(6).fill(1));
    expect(load.calls).toBe(2);
    expect(await other.cache.getOrLoad('a', load, options)).toBe(2);
  });

  it('G56: loads it anew for the call that comes later than that', async () => {
    const load = counter();
    await app.cache.getOrLoad('a', load, options);
    await world.elapse(89_999);
    expect(await app.cache.get('a')).toBe(1);
    await world.elapse(1);
    expect(await app.cache.getOrLoad('a', load, options)).toBe(2);
  });

  it('G56: is what the call says, whatever the one that loaded said', async () => {
    const load = counter();
    await app.cache.getOrLoad('a', load, { ttl: '1m', staleWhileRevalidate: '10m' });
    await world.elapse(120_000);
    expect(await app.cache.getOrLoad('a', load, { ttl: '1m' })).toBe(2);
  });

  it('loads several keys anew by one call', async () => {
    const asked: (readonly string[])[] = [];
    const load = (keys: readonly string[]): Map<string, string> => {
      asked.push(keys);
      return new Map(keys.map((key) => [key, key]));
    };
    await app.cache.getOrLoadMany(['a', 'b', 'c'], load, options);
    await world.elapse(60_000);
    expect((await app.cache.getOrLoadMany(['a', 'b', 'c', 'd'], load, options)).size).toBe(4);
    await world.settle();
    expect(asked).toEqual([['a', 'b', 'c'], ['d'], ['a', 'b', 'c']]);
  });

  it('G56, I3: what is written meanwhile stays', async () => {
    const end = milestone();
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
    const slow = async (): Promise<string> => {
      await end.reached;
      return 'older';
    };
    expect(await app.cache.getOrLoad('a', slow, options)).toBe('first');
    await world.settle();
    await other.cache.set('a', 'written');
    end.reach();
    await world.settle();
    expect(await app.cache.get('a')).toBe('written');
  });

  it('removes what is no more', async () => {
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
    expect(await app.cache.getOrLoad<string>('a', () => undefined, options)).toBe('first');
    await world.settle();
    expect(await app.cache.get('a')).toBeUndefined();
  });

  it('keeps and gives the value when the load fails, and tells it once', async () => {
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
    expect(await app.cache.getOrLoad<string>('a', failing, options)).toBe('first');
    await world.settle();
    expect(app.reported).toMatchObject([
      { error: { message: 'the database is away' }, origin: { details: { key: 'a' } } },
    ]);
    expect(await app.cache.getOrLoad('a', () => 'next', options)).toBe('first');
    await world.settle();
    expect(await app.cache.get('a')).toBe('next');
  });

  it('tells what it failed with when the client has left meanwhile: the load is nobody’s', async () => {
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
    const [leaving, end] = [new AbortController(), milestone()];
    const load = (): Promise<string> => end.reached.then(failing);
    const call = callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', load, options));
    expect(await call).toBe('first');
    leaving.abort();
    end.reach();
    await world.settle();
    expect(app.reported).toMatchObject([{ error: { message: 'the database is away' } }]);
  });

  it('loads outside of the locks and the transaction of the call', async () => {
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
    const end = milestone();
    await app.locks.withLock('l', () =>
      app.cache.getOrLoad(
        'a',
        async () => {
          await end.reached;
          await app.cache.set('b', 'written by the loader');
          return 'second';
        },
        options,
      ),
    );
    end.reach();
    await world.settle();
    expect([await app.cache.get('a'), await app.cache.get('b'), app.reported]).toEqual([
      'second',
      'written by the loader',
      [],
    ]);
  });
});

describe('staleIfError', () => {
  const options = { ttl: '1m', staleIfError: '1h', softTimeout: '100ms', timeout: '2s' } as const;

  beforeEach(async () => {
    await app.cache.getOrLoad('a', () => 'first', options);
    await world.elapse(60_000);
  });

  it('loads a stale value anew, and gives it when that fails', async () => {
    expect(await app.cache.getOrLoad<string>('a', failing, options)).toBe('first');
    expect(app.reported).toMatchObject([{ error: { message: 'the database is away' } }]);
    expect(await app.cache.getOrLoad('a', () => 'second', options)).toBe('second');
  });

  it('softTimeout: gives it when that takes long, and keeps what comes later', async () => {
    const end = milestone();
    const slow = async (): Promise<string> => {
      await end.reached;
      return 'second';
    };
    const call = observe(app.cache.getOrLoad('a', slow, options));
    await world.elapse(99);
    expect(call.state).toBe('pending');
    await world.elapse(1);
    expect(call.value).toBe('first');
    end.reach();
    await world.settle();
    expect([await other.cache.get('a'), app.reported]).toEqual(['second', []]);
  });

  it('softTimeout: tells that a load failed after it', async () => {
    const end = milestone();
    const call = observe(app.cache.getOrLoad<string>('a', () => end.reached.then(failing), options));
    await world.elapse(100);
    expect([call.value, app.reported]).toEqual(['first', []]);
    end.reach();
    await world.settle();
    expect(app.reported).toMatchObject([{ error: { message: 'the database is away' } }]);
  });

  it('throws what the load throws when it has been stale for longer', async () => {
    await world.elapse(3_600_000);
    await expect(app.cache.getOrLoad('a', failing, options)).rejects.toThrow('the database is away');
  });

  it('one that waits for another process has it in its place as well', async () => {
    const theirs = other.cache.getOrLoad('a', () => new Promise(() => undefined), { ...options, softTimeout: '2s' });
    theirs.catch(() => undefined);
    await world.settle();
    const ours = observe(app.cache.getOrLoad('a', () => 'ours', options));
    await world.elapse(100);
    expect(ours.value).toBe('first');
  });
});

describe('early refresh', () => {
  it('refreshAhead: loads behind the call what has less than that left', async () => {
    const load = counter();
    const options = { ttl: '1m', refreshAhead: '10s' } as const;
    await app.cache.getOrLoad('a', load, options);
    await world.elapse(49_999);
    expect([await app.cache.getOrLoad('a', load, options), load.calls]).toEqual([1, 1]);
    await world.elapse(1);
    expect(await app.cache.getOrLoad('a', load, options)).toBe(1);
    await world.settle();
    expect([await other.cache.get('a'), load.calls]).toEqual([2, 2]);
  });

  it('xfetch: the earlier the longer the load took, by chance', async () => {
    // -ln(1 - 0.5) x 2 x 10 s is 13.9 s.
    const options = { ttl: '1m', xfetch: 2, timeout: '1m' } as const;
    let calls = 0;
    const slow = async (): Promise<number> => {
      const moment = milestone();
      world.clock.after(10_000, moment.reach);
      await moment.reached;
      calls += 1;
      return calls;
    };
    await world.finish(app.cache.getOrLoad('a', slow, options));
    await world.elapse(45_000);
    await app.cache.getOrLoad('a', slow, options);
    await world.elapse(1_200);
    expect([await app.cache.getOrLoad('a', slow, options), calls]).toEqual([1, 1]);
    await world.elapse(10_000);
    expect([await app.cache.get('a'), calls]).toEqual([2, 2]);
  });
});

describe('how long a loaded value lives', () => {
  it('ttl: as a function of the value says', async () => {
    const load = (keys: readonly string[]) => new Map(keys.map((key) => [key, { maxAge: key === 'a' ? 1 : 2 }]));
    const ttl = ({ maxAge }: { maxAge: number }) => `${maxAge}m` as const;
    await app.cache.getOrLoadMany(['a', 'b'], load, { ttl });
    await world.elapse(60_000);
    expect([...(await app.cache.getMany(['a', 'b'])).keys()]).toEqual(['b']);
    await expect(app.cache.getOrLoad('c', () => 1, { ttl: () => 'soon' as never })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  it('jitter: up to that part of it shorter', async () => {
    await app.cache.getOrLoad('a', () => 1, { ttl: '1m', jitter: 0.2 });
    await world.elapse(53_999);
    expect(await app.cache.has('a')).toBe(true);
    await world.elapse(1);
    expect(await app.cache.has('a')).toBe(false);
  });

  it('negativeTtl: that there is none is remembered as long', async () => {
    let calls = 0;
    const none = (): undefined => {
      calls += 1;
    };
    for (const _ of [1, 2]) expect(await app.cache.getOrLoad<string>('a', none, { negativeTtl: '5s' })).toBeUndefined();
    expect([calls, await other.cache.get('a'), await other.cache.has('a')]).toEqual([1, undefined, false]);
    await app.coordinator.run(async () => {
      expect(await app.cache.getOrLoad<string>('a', none)).toBeUndefined();
    });
    expect(calls).toBe(1);
    await world.elapse(5_000);
    await app.cache.getOrLoad('a', none);
    await app.cache.getOrLoad('a', none);
    expect(calls).toBe(3);
  });

  it('the module says what a call does not', async () => {
    const own = await world.process({ cache: { negativeTtl: '5s', staleWhileRevalidate: '1h', ttl: '1m' } });
    let calls = 0;
    const none = (): undefined => {
      calls += 1;
    };
    for (const _ of [1, 2]) await own.cache.getOrLoad('a', none);
    expect(calls).toBe(1);
    const load = counter();
    await own.cache.getOrLoad('b', load);
    await world.elapse(60_000);
    expect(await own.cache.getOrLoad('b', load)).toBe(1);
  });

  it.each([
    { ttl: '10s', refreshAhead: '8999ms', jitter: 0.1 },
    { ttl: 0, refreshAhead: '364d' },
    { ttl: () => '1s', refreshAhead: '1m' },
  ] as const)('takes %p', async (options) => {
    expect(await app.cache.getOrLoad('a', () => 1, options)).toBe(1);
  });

  it('refreshAhead: is refused when the module starts, or says a ttl that is too short for it', async () => {
    const refused = { code: 'INVALID_OPTIONS', details: { option: 'cache.refreshAhead', ms: 60_000, max: 30_000 } };
    await expect(world.process({ cache: { ttl: '30s', refreshAhead: '1m' } })).rejects.toMatchObject(refused);
    const own = await world.process({ cache: { ttl: '30s' } });
    await expect(own.cache.getOrLoad('a', () => 1, { refreshAhead: '1m' })).rejects.toMatchObject(refused);
  });

  it.each([
    { jitter: 2 },
    { jitter: '10%' as never },
    { xfetch: -1 },
    { negativeTtl: -1 },
    { softTimeout: 0 },
    { staleIfError: 'long' as never },
    { ttl: '10s', refreshAhead: '10s' } as const,
    { ttl: '10s', refreshAhead: '9s', jitter: 0.1 } as const,
    { tags: 'a' as never },
    { tags: Array.from({ length: 33 }, (_, i) => `${i}`) },
  ])('refuses %p', async (options) => {
    await expect(app.cache.getOrLoad('a', () => 1, options)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

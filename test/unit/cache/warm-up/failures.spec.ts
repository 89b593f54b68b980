import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '../../../../src/base/errors.js';
import type { CacheWarmer } from '../../../../src/cache/warm-up/cache-warmer.js';
import { lostReply, unavailable } from '../../../support/stores/scripted-store.js';
import { milestone } from '../../../support/txn-world.js';
import { observe } from '../../lock/lock-world.js';
import { Capitals, keysOf, WarmUpWorld } from './warm-up-world.js';

const GONE = new Error('the database is gone');

let world: WarmUpWorld;
beforeEach(() => {
  world = new WarmUpWorld();
});

function failing(times: number, keys = keysOf(4), error = GONE): Capitals {
  const warmer = new Capitals(keys);
  warmer.before = () => {
    if (warmer.loads.length <= times) throw error;
  };
  return warmer;
}

describe('a warmer whose load throws', () => {
  it('is asked for the batch again, three times in all', async () => {
    const warmer = failing(2);
    const node = await world.node({ capitals: warmer }, { batch: 2 });
    await world.until(node, 'done');
    expect(warmer.loads).toEqual([
      ['key-0', 'key-1'],
      ['key-0', 'key-1'],
      ['key-0', 'key-1'],
      ['key-2', 'key-3'],
    ]);
    expect(node.reported).toEqual([]);
  });

  it('has failed then: it is reported, its lock is free, and others go on', async () => {
    const [bad, good] = [failing(99), new Capitals(['a'])];
    const node = await world.node({ bad, good }, { batch: 2 });
    await world.until(node, 'failed');
    expect(bad.loads).toHaveLength(3);
    expect(node.warmUp.status()).toMatchObject([
      { state: 'failed', error: 'the database is gone', warmed: 0, total: 4 },
      { state: 'done' },
    ]);
    expect(node.reported).toEqual([
      { error: GONE, origin: { during: 'warm-up bad', details: { warmed: 0, loaded: 0, total: 4 } } },
    ]);
    expect(await node.locks.inspect('nestjs-cache-txn/warm-up/bad')).toBeNull();
    expect(node.warmUp.isReady).toBe(true);
    await world.elapse(3_600_000);
    expect(bad.loads).toHaveLength(3);
  });

  it('is tried again until it succeeds where it is required', async () => {
    const warmer = failing(7);
    const node = await world.node({ capitals: warmer }, { required: true });
    const ready = observe(node.warmUp.ready);
    await world.until(node, 'failed');
    expect([node.warmUp.isReady, ready.state]).toEqual([false, 'pending']);
    await world.until(node, 'done');
    expect([warmer.loads.length, node.warmUp.isReady, ready.state]).toEqual([8, true, 'fulfilled']);
    expect(node.warmUp.status()[0]).not.toHaveProperty('error');
    expect(node.reported).toHaveLength(2);
  });

  it('is tried again after `every`, and on demand at once', async () => {
    const warmer = failing(3);
    const node = await world.node({ capitals: warmer }, { every: '1h' });
    await world.until(node, 'failed');
    expect(await world.finish(node.warmUp.run())).toMatchObject([{ state: 'done', loaded: 4 }]);
  });

  it('stops its other batches', async () => {
    const warmer = new Capitals(keysOf(2));
    warmer.before = ([key]) => (key === 'key-0' ? new Promise(() => undefined) : Promise.reject(GONE));
    const node = await world.node({ capitals: warmer }, { batch: 1, concurrency: 2, timeout: '1h' });
    await world.until(node, 'failed');
    expect(warmer.signals[0]?.aborted).toBe(true);
  });

  it('has failed also where another store is away, which it asks', async () => {
    const node = await world.node({ capitals: failing(99, ['a'], new StoreUnavailableError('another store')) });
    await world.until(node, 'failed');
    expect(node.warmUp.status()[0]?.error).toBe('another store');
  });

  it('takes longer than its timeout has failed, and its signal aborts', async () => {
    const warmer = new Capitals(['a']);
    warmer.before = () => new Promise(() => undefined);
    const node = await world.node({ capitals: warmer }, { timeout: '2s' });
    await world.until(node, 'failed');
    expect(warmer.signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    expect(node.reported[0]?.error).toMatchObject({ code: 'LOAD_TIMEOUT' });
  });
});

describe('a warmer that gives what cannot be cached', () => {
  it.each<[string, unknown, object]>([
    ['no list', 7, { code: 'INVALID_OPTIONS' }],
    ['a string, which is no list of keys', 'key', { code: 'INVALID_OPTIONS' }],
    ['an empty key', [''], { code: 'KEY_TEMPLATE' }],
    ['a key that is no string', [1], { code: 'KEY_TEMPLATE' }],
    ['a rejection', Promise.reject(GONE), { message: GONE.message }],
  ])('as keys: %s, fails at once', async (_what, keys, error) => {
    const warmer = new Capitals(keys as string[]);
    const node = await world.node({ capitals: warmer });
    await world.until(node, 'failed');
    expect([node.reported.map((each) => each.error), warmer.loads]).toMatchObject([[error], []]);
  });

  it.each<[string, unknown]>([
    ['no object', 7],
    ['a value that cannot be cached', { a: Symbol('no value') }],
  ])('as values: %s, fails at once', async (_what, values) => {
    let loads = 0;
    const load = () => {
      loads += 1;
      return values;
    };
    const node = await world.node({ bad: { keys: () => ['a'], load } as CacheWarmer });
    await world.until(node, 'failed');
    expect([node.reported[0]?.error, loads]).toMatchObject([{ code: 'INVALID_OPTIONS' }, 1]);
  });
});

describe('a store that is away', () => {
  it('is waited for, which is told once, and what was loaded is not loaded again', async () => {
    const warmer = new Capitals(keysOf(4));
    const node = await world.node({ capitals: warmer }, { batch: 2, required: true }, ({ store }) => {
      store.always('readEntries', unavailable);
      warmer.before = () => {
        if (warmer.loads.length === 1) store.always('leaseFill', unavailable);
      };
    });
    await world.elapse(60_000);
    expect(node.warmUp.status()[0]).toMatchObject({ state: 'waiting', error: 'no connection' });
    expect([node.warmUp.isReady, node.reported.length]).toEqual([false, 1]);
    node.store.always('readEntries', undefined);
    await world.elapse(60_000);
    expect([node.warmUp.status()[0]?.state, warmer.loads.length]).toEqual(['waiting', 1]);
    node.store.always('leaseFill', undefined);
    await world.until(node, 'done');
    expect(warmer.loads).toEqual([['key-0', 'key-1'], ['key-2', 'key-3']]); // prettier-ignore
    expect([node.warmUp.isReady, node.reported.length]).toEqual([true, 1]);
  });

  it('and gives no answer to the record is asked again, and nothing is loaded twice', async () => {
    const warmer = new Capitals(['a']);
    const node = await world.node({ capitals: warmer }, {}, ({ store }) => {
      store.next('commit', unavailable);
      store.next('commit', lostReply);
      store.always('resolveCommit', unavailable);
    });
    await world.until(node, 'done');
    expect(node.reported.map(({ error }) => error)).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]);
    expect(warmer.loads).toHaveLength(1);
  });
});

describe('an application that closes', () => {
  it('in the middle of a load that heeds no signal stops at once, and its lock is free', async () => {
    const warmer = new Capitals(['a']);
    const node = await world.node({ capitals: warmer }, { required: true });
    warmer.before = () => new Promise(() => undefined);
    await world.settle();
    const stopping = observe(node.warmUp.stop());
    await world.settle();
    expect([stopping.state, warmer.signals[0]?.aborted]).toEqual(['fulfilled', true]);
    expect(await node.locks.inspect('nestjs-cache-txn/warm-up/capitals')).toBeNull();
    await expect(node.warmUp.ready).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(node.reported).toEqual([]);
  });

  it.each<[string, (node: { store: { always: (op: 'readEntries', fault: typeof unavailable) => void } }) => void]>([
    ['while the store is away', ({ store }) => store.always('readEntries', unavailable)],
    ['while another node warms', () => undefined],
  ])('%s stops at once', async (_what, prepare) => {
    const warmer = new Capitals(['a']);
    warmer.before = () => new Promise(() => undefined);
    await world.node({ capitals: warmer }, { timeout: '1h' });
    await world.settle();
    const node = await world.node({ capitals: warmer }, {}, prepare);
    await world.elapse(700);
    const stopping = observe(node.warmUp.stop());
    await world.settle();
    expect(stopping.state).toBe('fulfilled');
  });

  it('takes no load along that another call of this node has joined', async () => {
    const warmer = new Capitals(['a']);
    const begun = milestone();
    warmer.before = () => {
      begun.reach();
      return new Promise(() => undefined);
    };
    const node = await world.node({ capitals: warmer });
    await begun.reached;
    const call = node.cache.getOrLoad('a', () => 'their own');
    await world.settle();
    await node.warmUp.stop();
    expect(await world.finish(call)).toBe('their own');
  });
});

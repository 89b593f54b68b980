import { beforeEach, describe, expect, it } from '@jest/globals';
import { milestone } from '../../../support/txn-world.js';
import { Capitals, keysOf, WarmUpWorld } from './warm-up-world.js';

let world: WarmUpWorld;
beforeEach(() => {
  world = new WarmUpWorld();
});

describe('a warm-up', () => {
  it('loads what is not cached, in batches, and leaves what is', async () => {
    const warmer = new Capitals(keysOf(5));
    const node = await world.node({ capitals: warmer }, { batch: 2 }, ({ cache }) => cache.set('key-2', 'mine'));
    await world.until(node, 'done');
    expect(warmer.loads).toEqual([['key-0', 'key-1'], ['key-3'], ['key-4']]);
    expect([...(await node.cache.getMany(keysOf(5))).values()]).toEqual(['KEY-0', 'KEY-1', 'mine', 'KEY-3', 'KEY-4']);
    const [status] = node.warmUp.status();
    expect(status).toMatchObject({ name: 'capitals', by: 'this node', warmed: 5, loaded: 4, total: 5 });
    expect(await node.locks.inspect('nestjs-cache-txn/warm-up/capitals')).toBeNull();
  });

  it('does not overwrite what is written while it loads', async () => {
    const warmer = new Capitals(['a', 'b']);
    const node = await world.node({ capitals: warmer }, {}, ({ cache }) => {
      warmer.before = () => cache.set('a', 'newer');
    });
    await world.until(node, 'done');
    expect(await node.cache.getMany(['a', 'b'])).toEqual(new Map([['a', 'newer'], ['b', 'B']])); // prettier-ignore
  });

  it('gives the entries its own ttl', async () => {
    const node = await world.node({ capitals: new Capitals(['a']) }, { ttl: '2s' });
    await world.until(node, 'done');
    await world.elapse(1_900);
    expect(await node.cache.get('a')).toBe('A');
    await world.elapse(100);
    expect(await node.cache.get('a')).toBeUndefined();
  });

  it.each([1, 3])('has as many loads at a time as `concurrency` says: %d', async (concurrency) => {
    const warmer = new Capitals(keysOf(8));
    const end = milestone();
    let [running, most] = [0, 0];
    warmer.before = async () => {
      running += 1;
      most = Math.max(most, running);
      if (warmer.loads.length <= concurrency) await end.reached;
      running -= 1;
    };
    const node = await world.node({ capitals: warmer }, { batch: 1, concurrency });
    await world.settle();
    expect(warmer.loads).toHaveLength(concurrency);
    end.reach();
    await world.until(node, 'done');
    expect([warmer.loads.length, most]).toEqual([8, concurrency]);
  });

  it('takes keys as they come, no more than it needs, and closes their source when it stops', async () => {
    let [given, isClosed] = [0, false];
    async function* endless() {
      try {
        for (;;) yield `key-${given++}`;
      } finally {
        isClosed = true;
      }
    }
    const warmer = new Capitals(endless());
    const blocked = milestone();
    warmer.before = () => (warmer.loads.length === 2 ? blocked.reached : undefined);
    const node = await world.node({ capitals: warmer }, { batch: 10 });
    await world.settle();
    expect([given, node.warmUp.status()[0]]).toEqual([20, expect.not.objectContaining({ total: expect.anything() })]);
    await node.warmUp.stop();
    blocked.reach();
    await world.settle();
    expect(isClosed).toBe(true);
  });

  it('warms again after `every` what has expired, and only that', async () => {
    const warmer = new Capitals(['a', 'b']);
    const node = await world.node({ capitals: warmer }, { every: '1m', ttl: '50s' });
    await world.until(node, 'done');
    await node.cache.set('b', 'kept', { ttl: '10m' });
    await world.elapse(59_000);
    expect(warmer.loads).toEqual([['a', 'b']]);
    await world.elapse(1_500);
    expect(warmer.loads).toEqual([['a', 'b'], ['a']]);
  });

  it('is at the start alone by default', async () => {
    const warmer = new Capitals(['a']);
    await world.node({ capitals: warmer }, { ttl: '1s' });
    await world.elapse(86_400_000);
    expect(warmer.loads).toHaveLength(1);
    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe('CacheWarmUp.run', () => {
  it('warms on demand what has been warmed before, outside of the transaction that asks', async () => {
    const [one, other] = [new Capitals(['a']), new Capitals(['b'])];
    const node = await world.node({ one, other });
    await world.until(node, 'done');
    await node.cache.delete('a', 'b');
    const inTransaction = node.coordinator.run(() => node.warmUp.run('one'));
    expect(await world.finish(inTransaction)).toMatchObject([{ name: 'one', state: 'done', loaded: 1 }]);
    expect(await node.cache.getMany(['a', 'b'])).toEqual(new Map([['a', 'A']]));
    expect(await world.finish(node.warmUp.run())).toMatchObject([{ loaded: 0 }, { name: 'other', loaded: 1 }]);
  });

  it('joins what is under way', async () => {
    const warmer = new Capitals(['a']);
    const end = milestone();
    warmer.before = () => end.reached;
    const node = await world.node({ capitals: warmer });
    await world.settle();
    const running = node.warmUp.run('capitals');
    end.reach();
    expect(await world.finish(running)).toMatchObject([{ state: 'done' }]);
    expect(warmer.loads).toHaveLength(1);
  });

  it('refuses a name that nobody has, and everything when the application closes', async () => {
    const node = await world.node({ capitals: new Capitals(['a']) });
    await expect(node.warmUp.run('none')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await node.warmUp.stop();
    await expect(node.warmUp.run()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('the log of a warm-up', () => {
  it('has the start, each tenth, and the end', async () => {
    const warmer = new Capitals(keysOf(10));
    warmer.before = () => world.clock.advance(1_000);
    const node = await world.node({ capitals: warmer }, { batch: 5 });
    await world.until(node, 'done');
    expect(node.lines).toEqual([
      'warm-up capitals: starts, 10 keys',
      'warm-up capitals: 5 of 10 (50 %) keys, 5 a second',
      'warm-up capitals: 10 of 10 (100 %) keys, 5 a second',
      'warm-up capitals: done, 10 keys in 2000 ms, 10 loaded',
    ]);
  });

  it('has a line every five seconds where nobody knows how many keys there are', async () => {
    const warmer = new Capitals(keysOf(6)[Symbol.iterator]() as IterableIterator<string>);
    warmer.before = () => world.clock.advance(2_000);
    const node = await world.node({ capitals: warmer }, { batch: 1 });
    await world.until(node, 'done');
    expect(node.lines.slice(1, -1)).toEqual([
      'warm-up capitals: 3 keys, 1 a second',
      'warm-up capitals: 6 keys, 1 a second',
    ]);
  });

  it('has no line between start and end for what takes a moment, and none at all without warmers', async () => {
    const node = await world.node({ capitals: new Capitals(keysOf(100)) }, { batch: 1 });
    await world.until(node, 'done');
    expect(node.lines).toHaveLength(2);
    expect((await world.node({})).lines).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { milestone, TxnWorld } from '../../support/txn-world.js';

async function start() {
  const world = new TxnWorld();
  const [node, other] = [await world.process(), await world.process()];
  /** An entry that no cache has written. */
  const plant = (value: string): Promise<unknown> => {
    const operation = { kind: 'put', key: 'k', value, ttlMs: 0, strategy: 'timestamp' } as const;
    return node.store.inner.commit({ txnId: 'planted', operations: [operation], guards: [], outcomeTtlMs: 0 });
  };
  return { world, cache: node.cache, coordinator: node.coordinator, other: other.cache, plant };
}

/** Counts its calls, and waits for the test where it is told to. */
function loader(value: unknown, door?: Promise<void>) {
  const load = async (): Promise<unknown> => {
    load.calls += 1;
    await door;
    return value;
  };
  load.calls = 0;
  return load;
}

describe('getOrLoad', () => {
  it('loads what is not there, and gives what is', async () => {
    const { cache, other } = await start();
    const load = loader({ n: 1 });
    expect([await cache.getOrLoad('k', load), await cache.getOrLoad('k', load)]).toEqual([{ n: 1 }, { n: 1 }]);
    expect([load.calls, await other.get('k')]).toEqual([1, { n: 1 }]);
  });

  it.each(['{broken', '~broken', '~{"tags":1}\n{}', '~{}\n{broken'])(
    'loads what cannot be read, %s, outside a transaction, where it is replaced, and inside (S11)',
    async (text) => {
      const { cache, coordinator, plant, other } = await start();
      await plant(text);
      const load = loader({ n: 1 });
      expect(await coordinator.run(() => cache.getOrLoad('k', load))).toEqual({ n: 1 });
      expect(await cache.getOrLoad('k', load)).toEqual({ n: 1 });
      expect([await other.get('k'), load.calls]).toEqual([{ n: 1 }, 2]);
    },
  );

  it('caches for the time that it is told', async () => {
    const { world, cache } = await start();
    const load = loader(1);
    await cache.getOrLoad('k', load, { ttl: '1s' });
    await world.elapse(999);
    await cache.getOrLoad('k', load);
    expect(load.calls).toBe(1);
    await world.elapse(1);
    await cache.getOrLoad('k', load);
    expect(load.calls).toBe(2);
  });

  it('gives undefined for nothing, which is not cached', async () => {
    const { cache } = await start();
    const load = loader(undefined);
    expect([await cache.getOrLoad('k', load), await cache.getOrLoad('k', load)]).toEqual([undefined, undefined]);
    expect(load.calls).toBe(2);
  });

  it('gives the error of the loader to all who wait for it, and the next one loads again', async () => {
    const { cache } = await start();
    const failing = () => Promise.reject(new Error('away'));
    const both = await Promise.allSettled([cache.getOrLoad('k', failing), cache.getOrLoad('k', failing)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.getOrLoad('k', loader(1))).toBe(1);
  });

  it('loads once for all who ask at the same time, and gives each a copy of its own', async () => {
    const { world, cache } = await start();
    const door = milestone();
    const load = loader({ list: [] }, door.reached);
    const asking = [1, 2, 3].map(() => cache.getOrLoad<{ list: unknown[] }>('k', load as never));
    await world.settle();
    door.reach();
    const [one, two] = await Promise.all(asking);
    expect(load.calls).toBe(1);
    expect(one).toEqual(two);
    expect(one).not.toBe(two);
  });

  it.each([
    ['a write', (cache: { set(key: string, value: unknown): Promise<void> }) => cache.set('k', 'new'), 'new'],
    ['a deletion', (cache: { delete(key: string): Promise<void> }) => cache.delete('k'), undefined],
  ] as const)('G47: %s during a load wins: what was loaded is not published', async (_what, act, after) => {
    const { world, cache, other } = await start();
    const door = milestone();
    const loading = cache.getOrLoad('k', loader('old', door.reached));
    await world.settle();
    await act(other);
    door.reach();
    await loading;
    expect(await cache.get('k')).toBe(after);
  });

  it('G47: inside a transaction is its own view, and nobody else’s (I9)', async () => {
    const { cache, coordinator, other } = await start();
    const load = loader('mine');
    await coordinator.run(async () => {
      expect([await cache.getOrLoad('k', load), await cache.getOrLoad('k', load)]).toEqual(['mine', 'mine']);
      expect(await cache.get('k')).toBe('mine');
    });
    expect([load.calls, await other.get('k')]).toEqual([1, undefined]);
  });

  it('inside a transaction gives its own write, also one that was made during the load', async () => {
    const { world, cache, coordinator } = await start();
    const door = milestone();
    const running = coordinator.run(async () => {
      const loading = cache.getOrLoad('k', loader('loaded', door.reached));
      await world.settle();
      await cache.set('k', 'written');
      door.reach();
      return [await loading, await cache.getOrLoad('k', loader('again'))];
    });
    expect(await world.finish(running)).toEqual(['written', 'written']);
    expect(await cache.get('k')).toBe('written');
  });

  it('inside a transaction loads again what the transaction has deleted', async () => {
    const { cache, coordinator } = await start();
    await cache.set('k', 'cached');
    const seen = await coordinator.run(async () => {
      await cache.delete('k');
      return cache.getOrLoad('k', loader('fresh'));
    });
    expect([seen, await cache.get('k')]).toEqual(['fresh', undefined]);
  });

  it('I10: what a nested part has loaded goes with it when it is undone, and stays when it succeeds', async () => {
    const { cache, coordinator } = await start();
    await coordinator.run(async () => {
      const part = (key: string, end?: Error) =>
        coordinator.run({ propagation: 'nested' }, async () => {
          await cache.getOrLoad(key, loader('from rows of the part'));
          if (end) throw end;
        });
      await expect(part('undone', new Error('no'))).rejects.toThrow('no');
      await part('kept');
      expect([await cache.get('undone'), await cache.get('kept')]).toEqual([undefined, 'from rows of the part']);
    });
  });
});

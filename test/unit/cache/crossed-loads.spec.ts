import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LoadOptions } from '../../../src/cache/cache.options.js';
import { observe } from '../lock/lock-world.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

/** Two calls: each loads its own key, and its loader reads the other's when both have begun. */
async function crossed(second: TxnProcess, options: LoadOptions) {
  const bothBegun = milestone();
  let begun = 0;
  const call = ({ cache }: TxnProcess, own: string, others: string) =>
    observe(
      cache.getOrLoad(
        own,
        async () => {
          begun += 1;
          if (begun === 2) bothBegun.reach();
          await bothBegun.reached;
          return `${own} of ${await cache.getOrLoad(others, () => `${others} beside it`, options)}`;
        },
        options,
      ),
    );
  const calls = [call(app, 'a', 'b'), call(second, 'b', 'a')];
  await bothBegun.reached;
  await world.settle();
  return calls;
}

describe.each([
  ['one process', () => app],
  ['two processes', () => other],
])('loaders of two keys in %s that read each other’s', (_where, second) => {
  it('G52: end after their wait, when each loads the other’s key as well', async () => {
    const calls = await crossed(second(), { wait: '300ms', timeout: '1s' });
    await world.elapse(299);
    expect(calls.map(({ state }) => state)).toEqual(['pending', 'pending']);
    await world.elapse(1);
    const values = Object.fromEntries(calls.map(({ value }) => [value?.slice(0, 1), value]));
    // The second may get what the first has just published.
    expect(values).toMatchObject({ a: expect.stringMatching(/^a of b/), b: expect.stringMatching(/^b of a/) });
    expect(Object.fromEntries(await app.cache.getMany(['a', 'b']))).toEqual(values);
  });

  it('G52: end with LOAD_TIMEOUT when that comes first, and leave both keys to others', async () => {
    // Else the second one is told that the first has ended, and loads before its own time is over.
    for (const { store } of [app, other]) store.always('hint', 'drop-before');
    const calls = await crossed(second(), { wait: '1m', timeout: '1s' });
    await world.elapse(999);
    expect(calls.map(({ state }) => state)).toEqual(['pending', 'pending']);
    await world.elapse(1);
    expect(calls).toMatchObject(Array(2).fill({ state: 'rejected', error: { code: 'LOAD_TIMEOUT' } }));
    await world.settle();
    const anew = [app, other].map(({ cache }) => cache.getOrLoadMany(['a', 'b'], () => ({ a: 1, b: 2 }), { wait: 0 }));
    expect((await Promise.all(anew)).map((found) => Object.fromEntries(found))).toEqual(Array(2).fill({ a: 1, b: 2 }));
  });
});

it.each([{}, { wait: 0 }, { wait: '10ms', timeout: '1m' }] as const)(
  'loaders that read each other without end are told so, %p, and end',
  async (options) => {
    let loads = 0;
    const read = (key: string): Promise<string | undefined> =>
      app.cache.getOrLoad(
        key,
        () => {
          loads += 1;
          return read(key === 'a' ? 'b' : 'a');
        },
        options,
      );
    await expect(read('a')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 64 } });
    expect(loads).toBe(64);
    const calls = ['a', 'b'].map((key) => observe(app.cache.getOrLoad(key, () => 'after', { wait: 0 })));
    await world.settle();
    expect(calls.map(({ value }) => value)).toEqual(['after', 'after']);
  },
);

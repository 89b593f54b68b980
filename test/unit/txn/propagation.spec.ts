import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Propagation } from '../../../src/txn/propagation.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

type Seen = 'joins' | 'begins' | 'nests' | 'has none' | 'is refused';

/** The table of the design: what a mode does where there is no transaction, and where there is one. */
const MODES: readonly (readonly [Propagation, outside: Seen, inside: Seen])[] = [
  ['required', 'begins', 'joins'],
  ['requires_new', 'begins', 'begins'],
  ['nested', 'begins', 'nests'],
  ['mandatory', 'is refused', 'joins'],
  ['supports', 'has none', 'joins'],
  ['not_supported', 'has none', 'has none'],
  ['never', 'has none', 'is refused'],
];

let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

/** What others can read, by name of the part that wrote it. */
async function visible(): Promise<string[]> {
  return [...(await other.cache.getMany<string>(['outer', 'inner'])).keys()];
}

describe.each(MODES)('G22: propagation %s', (propagation, outside, inside) => {
  it(`${outside} outside of a transaction`, async () => {
    let during: string[] = [];
    let id: string | undefined;
    const running = app.coordinator.run({ propagation }, async (txn) => {
      id = txn.id;
      expect(app.coordinator.current()).toBe(outside === 'has none' ? undefined : txn);
      await app.cache.set('inner', 1);
      during = await visible();
    });
    if (outside === 'is refused') {
      await expect(running).rejects.toMatchObject({ code: 'TXN_STATE' });
      expect([id, await visible()]).toEqual([undefined, []]);
      return;
    }
    await running;
    expect(during).toEqual(outside === 'has none' ? ['inner'] : []);
    expect(await visible()).toEqual(['inner']);
  });

  it(`${inside} inside of a transaction`, async () => {
    let innerId: string | undefined;
    let afterInner: string[] = [];
    const outer = app.coordinator.run(async (txn) => {
      await app.cache.set('outer', 1);
      const running = app.coordinator.run({ propagation }, async ({ id }) => {
        innerId = id;
        await app.cache.set('inner', 1);
      });
      if (inside === 'is refused') await expect(running).rejects.toMatchObject({ code: 'TXN_STATE' });
      else await running;
      afterInner = await visible();
      // Its own view tells whether the inner write is part of it.
      return { id: txn.id, seesInner: app.store.count('commit') === 0 && (await app.cache.has('inner')) };
    });
    const { id, seesInner } = await outer;
    const apart = inside === 'begins' || inside === 'has none';
    expect(afterInner).toEqual(apart ? ['inner'] : []);
    expect(seesInner).toBe(inside === 'joins' || inside === 'nests');
    expect(innerId === id).toBe(inside === 'joins' || inside === 'nests');
    expect(await visible()).toEqual(inside === 'is refused' ? ['outer'] : ['outer', 'inner']);
  });

  it('passes the error of its function through, and undoes what is its own', async () => {
    const mine = new Error('mine');
    const failing = (): Promise<void> =>
      app.coordinator.run({ propagation }, async () => {
        await app.cache.set('inner', 1);
        throw mine;
      });
    const outer = app.coordinator.run(async () => {
      await app.cache.set('outer', 1);
      if (inside === 'is refused') await expect(failing()).rejects.toMatchObject({ code: 'TXN_STATE' });
      else await expect(failing()).rejects.toBe(mine);
    });
    if (inside === 'joins') await expect(outer).rejects.toMatchObject({ code: 'TXN_ROLLED_BACK' });
    else await outer;
    const expected = {
      joins: [],
      begins: ['outer'],
      nests: ['outer'],
      'has none': ['outer', 'inner'],
      'is refused': ['outer'],
    };
    expect(await visible()).toEqual(expected[inside]);
  });
});

describe('a function that runs without a transaction', () => {
  it.each(['supports', 'not_supported', 'never'] as const)(
    'G22: %s gives it nothing to mark or hook into',
    async (propagation) => {
      await app.coordinator.run({ propagation }, async (txn) => {
        expect([txn.id, txn.attempt, txn.signal.aborted]).toEqual(['none', 1, false]);
        for (const misuse of [
          () => txn.setRollbackOnly(),
          () => txn.beforeCommit(() => undefined),
          () => txn.afterCommit(() => undefined),
          () => txn.afterRollback(() => undefined),
          () => txn.afterCompletion(() => undefined),
        ]) {
          expect(misuse).toThrow(expect.objectContaining({ code: 'TXN_STATE' }));
        }
      });
    },
  );

  it('has a signal of its own, which nobody’s listeners pile up on', async () => {
    const { coordinator } = app;
    const signals = await Promise.all(
      [1, 2].map(() => coordinator.run({ propagation: 'supports' }, async ({ signal }) => signal)),
    );
    expect(signals[0]).not.toBe(signals[1]);
  });

  it('G24: hides the transaction around it, whose own reads and writes go on afterwards', async () => {
    await app.coordinator.run(async (txn) => {
      await app.cache.set('outer', 'buffered');
      await app.coordinator.run({ propagation: 'not_supported' }, async () => {
        expect(await app.cache.get('outer')).toBeUndefined();
      });
      expect(app.coordinator.current()).toBe(txn);
      expect(await app.cache.get('outer')).toBe('buffered');
    });
  });
});

describe('an unknown mode', () => {
  it.each(['REQUIRED', 'constructor', '__proto__', ''])(
    '%j is refused before the function runs',
    async (propagation) => {
      let ran = false;
      const running = app.coordinator.run({ propagation: propagation as Propagation }, async () => void (ran = true));
      await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
      expect(ran).toBe(false);
    },
  );
});

import { describe, expect, it } from '@jest/globals';
import { memoryDatabase, memoryParticipant } from 'nestjs-cache-txn/testing';
import { TxnWorld } from '../../support/txn-world.js';

async function start() {
  const world = new TxnWorld();
  const database = memoryDatabase();
  const process = await world.process({ txn: { database } });
  return { world, database, process };
}

const NOTHING = undefined;

describe('a participant', () => {
  it('G49: hears prepare and commit of a transaction with its keys, in that order and before the caller goes on', async () => {
    const { world, process } = await start();
    const voter = memoryParticipant('mails');
    const running = process.coordinator.run(async (txn) => {
      txn.enlist(voter);
      await process.cache.set('a', 1);
      return txn.id;
    });
    const txnId = await world.finish(running);
    expect(voter.calls).toEqual([
      { step: 'prepare', txnId, keys: ['a'] },
      { step: 'commit', txnId, keys: ['a'] },
    ]);
    expect(await process.cache.get('a')).toBe(1);
  });

  it('G49: that votes against it gives its caller the error, and all hear abort', async () => {
    const { world, process } = await start();
    const [one, two] = [memoryParticipant('one'), memoryParticipant('two')];
    const reason = new Error('not today');
    one.vetoNext(reason);
    const running = process.coordinator.run(async (txn) => {
      txn.enlist(one);
      txn.enlist(two);
      await process.cache.set('a', 1);
    });
    await expect(world.finish(running)).rejects.toBe(reason);
    expect([one.steps, two.steps]).toEqual([
      ['prepare', 'abort'],
      ['prepare', 'abort'],
    ]);
    expect(await process.cache.get('a')).toBe(NOTHING);
  });

  it('is not asked in a transaction that fails before its commit', async () => {
    const { world, process } = await start();
    const voter = memoryParticipant();
    const running = process.coordinator.run(async (txn) => {
      txn.enlist(voter);
      throw new Error('mine');
    });
    await expect(world.finish(running)).rejects.toThrow('mine');
    expect(voter.steps).toEqual([]);
  });

  it('of a nested part counts when the part succeeds, and is forgotten with it', async () => {
    const { world, process } = await start();
    const [kept, undone] = [memoryParticipant('kept'), memoryParticipant('undone')];
    const part = (voter: typeof kept, end = (): void => undefined) =>
      process.coordinator.run({ propagation: 'nested' }, async (txn) => {
        txn.enlist(voter);
        await process.cache.set(voter.name, 1);
        end();
      });
    const running = process.coordinator.run(async () => {
      await part(kept);
      const failing = part(undone, () => {
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
    });
    await world.finish(running);
    expect([kept.steps, undone.steps]).toEqual([['prepare', 'commit'], []]);
    expect([await process.cache.get('kept'), await process.cache.get('undone')]).toEqual([1, NOTHING]);
  });

  it('that fails after the decision changes nothing, and is reported', async () => {
    const { world, process } = await start();
    const voter = {
      name: 'late',
      prepare: () => undefined,
      commit: () => Promise.reject(new Error('too late')),
      abort: () => undefined,
    };
    await world.finish(
      process.coordinator.run(async (txn) => {
        txn.enlist(voter);
        await process.cache.set('a', 1);
      }),
    );
    expect(await process.cache.get('a')).toBe(1);
    expect(process.reported.map(({ error }) => String(error))).toEqual(['Error: too late']);
  });

  it('G49: that never votes is not waited for', async () => {
    const { world, process } = await start();
    const silent = { ...VOTER, prepare: () => new Promise<void>(() => undefined) };
    const running = process.coordinator.run(async (txn) => {
      txn.enlist(silent);
      await process.cache.set('a', 1);
    });
    await expect(world.finish(running)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await process.cache.get('a')).toBe(NOTHING);
  });

  it('cannot enlist in a transaction that is over', async () => {
    const { world, process } = await start();
    const late = await world.finish(process.coordinator.run(async (txn) => txn));
    expect(() => late.enlist(memoryParticipant())).toThrow(expect.objectContaining({ code: 'TXN_STATE' }));
  });
});

const VOTER = { name: 'voter', prepare: () => undefined, commit: () => undefined, abort: () => undefined };

describe('a participant that decides', () => {
  it('prepares first, commits last of those who prepare, and its outcome is the one of the transaction', async () => {
    const { world, database, process } = await start();
    const order: string[] = [];
    const voter = memoryParticipant('voter');
    for (const each of [database, voter]) {
      for (const step of ['prepare', 'commit'] as const) {
        const inner = each[step].bind(each);
        Object.assign(each, {
          [step]: (txn: Parameters<typeof inner>[0]) => {
            order.push(`${each.name} ${step}`);
            inner(txn);
          },
        });
      }
    }
    const running = process.coordinator.run(async (txn) => {
      txn.beforeCommit(() => void order.push('before commit'));
      txn.afterCommit(() => void order.push('after commit'));
      txn.enlist(voter);
      txn.enlist(database);
      await process.cache.set('a', 1);
      return txn.id;
    });
    const txnId = await world.finish(running);
    expect(order).toEqual([
      'before commit',
      'memory database prepare',
      'voter prepare',
      'memory database commit',
      'voter commit',
      'after commit',
    ]);
    expect([database.fateOf(txnId), await process.cache.get('a')]).toEqual(['committed', 1]);
  });

  it.each([
    ['before', undefined],
    ['after', 1],
  ] as const)(
    'G17: whose COMMIT is lost %s it ran is asked, and the caller gets the exact outcome',
    async (when, value) => {
      const { world, database, process } = await start();
      database.loseNextCommit(when);
      const running = process.coordinator.run(async (txn) => {
        txn.enlist(database);
        await process.cache.set('a', 1);
      });
      const outcome = world.finish(running);
      if (when === 'before') await expect(outcome).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      else await outcome;
      expect(await process.cache.get('a')).toBe(value);
    },
  );

  it('G46: that never answers its COMMIT, nor the question, leaves the outcome in doubt', async () => {
    const { world, database, process } = await start();
    Object.assign(database, {
      commit: () => new Promise<void>(() => undefined),
      resolve: () => new Promise<void>(() => undefined),
    });
    const running = process.coordinator.run(async (txn) => {
      txn.enlist(database);
      await process.cache.set('a', 1);
    });
    await expect(world.finish(running)).rejects.toMatchObject({ code: 'TXN_IN_DOUBT' });
  });

  it('G49: that is not the database of the module, or a second one, or in a nested part is refused', async () => {
    const { world, database, process } = await start();
    const running = process.coordinator.run(async (txn) => {
      expect(() => txn.enlist(memoryDatabase('another'))).toThrow(/give it to forRoot\({ txn: { database } }\)/);
      await process.coordinator.run({ propagation: 'nested' }, async (part) => {
        expect(() => part.enlist(database)).toThrow(/cannot decide a nested part/);
      });
      txn.enlist(database);
      expect(() => txn.enlist(database)).toThrow(/decides this transaction already/);
    });
    await world.finish(running);
  });

  it('is not asked where nothing was written: its own error is all that there is to say', async () => {
    const { world, database, process } = await start();
    database.loseNextCommit('after');
    const asked: string[] = [];
    Object.assign(database, { resolve: (id: string) => (asked.push(id), Promise.resolve('aborted')) });
    const running = process.coordinator.run(async (txn) => txn.enlist(database));
    await expect(world.finish(running)).rejects.toThrow();
    expect(asked).toEqual([]);
  });
});

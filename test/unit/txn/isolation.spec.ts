import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Isolation } from '../../../src/txn/txn.options.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

const conflict = { code: 'VERSION_CONFLICT' };

let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

/** One transaction that is overtaken, after its reads and before its writes, by a commit of another process. */
function overtaken(
  isolation: Isolation,
  reads: readonly string[],
  writes: readonly string[],
  by: () => Promise<unknown>,
): Promise<void> {
  return app.coordinator.run({ isolation }, async () => {
    await app.cache.getMany(reads);
    await by();
    for (const key of writes) await app.cache.set(key, 'mine');
  });
}

describe.each<Isolation>(['serializable', 'read-committed'])('under %s', (isolation) => {
  const guarantee = isolation === 'serializable' ? 'G16' : 'G17';

  it(`${guarantee}: a lost update is refused and nothing of the transaction is visible`, async () => {
    await other.cache.set('a', 'first');
    const running = overtaken(isolation, ['a'], ['a', 'b'], () => other.cache.set('a', 'theirs'));
    await expect(running).rejects.toMatchObject({ ...conflict, details: { keys: ['a'] } });
    expect(await other.cache.getMany(['a', 'b'])).toEqual(new Map([['a', 'theirs']]));
  });

  it.each([
    ['made meanwhile', async () => undefined, () => other.cache.set('a', 'theirs')],
    ['deleted meanwhile', () => other.cache.set('a', 'first'), () => other.cache.delete('a')],
    ['replaced by the same value', () => other.cache.set('a', 'first'), () => other.cache.set('a', 'first')],
    [
      'deleted and made again',
      () => other.cache.set('a', 'first'),
      async () => {
        await other.cache.delete('a');
        await other.cache.set('a', 'first');
      },
    ],
  ])(`${guarantee}: an entry that it read and writes, %s, is a conflict`, async (_what, before, meanwhile) => {
    await before();
    await expect(overtaken(isolation, ['a'], ['a'], meanwhile)).rejects.toMatchObject(conflict);
  });

  it(`${guarantee}: a blind write conflicts with nothing`, async () => {
    await overtaken(isolation, [], ['a'], () => other.cache.set('a', 'theirs'));
    expect(await other.cache.get('a')).toBe('mine');
  });

  it(`${guarantee}: a read made after its own write does not count, the transaction saw only itself`, async () => {
    await app.coordinator.run({ isolation }, async () => {
      await app.cache.set('a', 'mine');
      await other.cache.set('a', 'theirs');
      expect(await app.cache.get('a')).toBe('mine');
    });
    expect(await other.cache.get('a')).toBe('mine');
  });
});

/** Two doctors are on call; each may leave if the other stays. Both look before either commits. */
async function writeSkew(isolation: Isolation): Promise<readonly string[]> {
  await other.cache.setMany({ alice: 'on call', bob: 'on call' });
  const leave = (process: TxnProcess, name: string, looked: () => Promise<unknown>): Promise<void> =>
    process.coordinator.run({ isolation }, async () => {
      const onCall = await process.cache.getMany(['alice', 'bob']);
      await looked();
      if ([...onCall.values()].filter((state) => state === 'on call').length > 1) await process.cache.set(name, 'gone');
    });
  let second: Promise<void> | undefined;
  const first = leave(app, 'alice', async () => (second = leave(other, 'bob', async () => undefined)));
  const ended = await Promise.allSettled([first.then(() => second), first]);
  return ended.map((end) => (end.status === 'rejected' ? (end.reason as { code: string }).code : 'committed'));
}

describe('write skew', () => {
  it('G16: is refused under serializable', async () => {
    expect(await writeSkew('serializable')).toContain('VERSION_CONFLICT');
    expect([...(await other.cache.getMany(['alice', 'bob'])).values()].sort()).toEqual(['gone', 'on call']);
  });

  it('G17: is possible under read-committed', async () => {
    expect(await writeSkew('read-committed')).toEqual(['committed', 'committed']);
    expect([...(await other.cache.getMany(['alice', 'bob'])).values()]).toEqual(['gone', 'gone']);
  });
});

describe('reads of a transaction that writes nothing', () => {
  const readOnly = (isolation: Isolation): Promise<unknown> =>
    app.coordinator.run({ isolation, readOnly: true }, async () => {
      const first = await app.cache.get('a');
      await other.cache.setMany({ a: 2, b: 2 });
      return [first, await app.cache.get('b')];
    });

  beforeEach(() => other.cache.setMany({ a: 1, b: 1 }));

  it('G16: are of one moment under serializable: a mixture is refused', async () => {
    await expect(readOnly('serializable')).rejects.toMatchObject({ ...conflict, details: { keys: ['a'] } });
  });

  it('G17: may be of different moments under read-committed, and cost no validation', async () => {
    await expect(readOnly('read-committed')).resolves.toEqual([1, 2]);
    expect(app.store.count('commit')).toBe(0);
  });
});

describe('the level of isolation', () => {
  it('is serializable unless the module says otherwise, and a call may say otherwise again', async () => {
    const relaxed = await new TxnWorld().process({ txn: { isolation: 'read-committed' } });
    const checks = async (process: TxnProcess, isolation?: Isolation): Promise<number> => {
      await process.coordinator.run({ ...(isolation && { isolation }) }, () => process.cache.get('a'));
      return process.commits().at(-1)?.operations.length ?? 0;
    };
    expect(await checks(app)).toBe(1);
    expect(await checks(relaxed)).toBe(0);
    expect(await checks(relaxed, 'serializable')).toBe(1);
  });

  it('is refused when there is no such level', async () => {
    const running = app.coordinator.run({ isolation: 'snapshot' as Isolation }, async () => undefined);
    await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countCommands } from '../../support/counting/command-stats.js';
import { traceCommands } from '../../support/counting/command-trace.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
let app: TxnApp;

beforeAll(async () => {
  scene = await TxnScene.start();
  app = await scene.app();
  // The server learns the scripts.
  await app.locks.withLock('warm', () => app.cache.set('warm', 1));
});
afterAll(() => scene.stop());

const keys = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`);

/** Scripts and reads that crossed the wire; each script is one round trip. */
async function roundTrips(work: () => Promise<unknown>): Promise<{ scripts: number; evals: number }> {
  const end = await countCommands(scene.redis);
  await work();
  const counts = await end();
  return { scripts: counts['EVALSHA'] ?? 0, evals: counts['EVAL'] ?? 0 };
}

describe('a commit', () => {
  it.each([1, 50, 128])('G19: of %i keys is one round trip', async (count) => {
    const work = () =>
      app.coordinator.run(async () => {
        for (const key of keys(count)) await app.cache.set(key, 1);
      });
    expect(await roundTrips(work)).toEqual({ scripts: 1, evals: 0 });
  });

  it('G19: of 50 keys under five locks is one, beside one to take and one to release the locks', async () => {
    const names = keys(5).map((key) => `lock ${key}`);
    const work = () =>
      app.locks.withLock(names, () =>
        app.coordinator.run(() => app.cache.setMany(new Map(keys(50).map((key) => [key, 1])))),
      );
    expect(await roundTrips(work)).toEqual({ scripts: 3, evals: 0 });
  });

  it('G19: of a write without a transaction is one', async () => {
    expect(await roundTrips(() => app.cache.setMany({ a: 1, b: 2 }))).toEqual({ scripts: 1, evals: 0 });
  });
});

describe('a transaction', () => {
  /** The commands that crossed the wire. */
  async function sent(work: () => Promise<unknown>): Promise<readonly string[]> {
    const end = await traceCommands(scene.redis);
    await work();
    return (await end()).map(([name]) => name);
  }

  it('G19: that only reads is validated in one round trip, however many keys', async () => {
    const readOnly = () =>
      app.coordinator.run({ readOnly: true }, async () => {
        await app.cache.getMany(keys(50));
        await app.cache.getMany(keys(50));
      });
    expect(await sent(readOnly)).toEqual([...Array<string>(50).fill('HMGET'), 'EVALSHA']);
  });

  it('G19: that reads and writes serializably costs its reads and one more', async () => {
    const work = () =>
      app.coordinator.run(async () => {
        await app.cache.get('a');
        await app.cache.get('b');
        await app.cache.get('a');
        await app.cache.set('a', 1);
        await app.cache.get('a');
      });
    expect(await sent(work)).toEqual(['HMGET', 'HMGET', 'EVALSHA']);
  });

  it('G19: that only reads under read-committed costs its reads, and one that does nothing costs nothing', async () => {
    expect(await sent(() => app.coordinator.run({ isolation: 'read-committed' }, () => app.cache.get('a')))).toEqual([
      'HMGET',
    ]);
    expect(await sent(() => app.coordinator.run(async () => undefined))).toEqual([]);
  });

  it('G19: that fails costs no commit', async () => {
    const failing = () =>
      app.coordinator
        .run(async () => {
          await app.cache.set('a', 1);
          throw new Error('mine');
        })
        .catch(() => undefined);
    expect(await sent(failing)).toEqual([]);
  });

  it('reads a hit with one plain command', async () => {
    expect(await sent(() => app.cache.get('a'))).toEqual(['HMGET']);
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ version: { attempts: 4, backoff: { initial: 0, max: 0 } } });
  other = await world.process();
});

const increment = (n = 0): number => n + 1;

describe('an update', () => {
  it('reads, computes and writes, and answers what it wrote', async () => {
    expect(await app.cache.update('n', increment)).toBe(1);
    expect(await app.cache.update('n', async (n?: number) => increment(n))).toBe(2);
    expect(await other.cache.get('n')).toBe(2);
  });

  it('G16: does it again when somebody else changed the key meanwhile, so that no update is lost', async () => {
    const seen: unknown[] = [];
    const running = app.cache.update('n', async (n?: number) => {
      seen.push(n);
      if (seen.length < 3) await other.cache.set('n', seen.length * 10);
      return increment(n);
    });
    expect(await world.finish(running)).toBe(21);
    expect(seen).toEqual([undefined, 10, 20]);
  });

  it('G16: of many at once all count', async () => {
    const many = await world.process({ version: { attempts: 100, backoff: { initial: 0, max: 0 } } });
    const updates = Array.from({ length: 20 }, () => many.cache.update('n', increment));
    const results = await world.finish(Promise.all(updates));
    expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('G30: gives up when the attempts of the module are spent', async () => {
    let runs = 0;
    const running = app.cache.update('n', async () => {
      await other.cache.set('n', (runs += 1));
      return -1;
    });
    await expect(world.finish(running)).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      details: { attempts: 4, keys: ['n'] },
    });
    expect([runs, await other.cache.get('n')]).toEqual([4, 4]);
  });

  it('passes the error of its function through and writes nothing', async () => {
    const mine = new Error('mine');
    await expect(app.cache.update('n', () => Promise.reject(mine))).rejects.toBe(mine);
    await expect(
      app.cache.update('n', () => {
        throw mine;
      }),
    ).rejects.toBe(mine);
    expect(app.store.count('commit')).toBe(0);
  });

  it('G15: in a transaction runs once, on what the transaction sees, and waits for its commit', async () => {
    let runs = 0;
    const running = app.coordinator.run(async () => {
      await app.cache.set('n', 10);
      expect(await app.cache.update<number>('n', (n) => ((runs += 1), increment(n)))).toBe(11);
      expect(await other.cache.has('n')).toBe(false);
      await app.cache.update<number>('m', increment);
      await other.cache.set('m', 5);
    });
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: ['m'] } });
    expect(runs).toBe(1);
  });

  it('G24: in a part without a transaction commits by itself', async () => {
    await app.coordinator.run(() =>
      app.coordinator.run({ propagation: 'not_supported' }, async () => {
        await app.cache.update('n', increment);
        expect(await other.cache.get('n')).toBe(1);
      }),
    );
  });
});

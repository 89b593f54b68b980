import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { redisStore } from 'nestjs-cache-txn';
import { countTurns, type TurnCounter } from '../../support/counting/turn-counter.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
let turns: TurnCounter;
let app: TxnApp;

beforeAll(async () => {
  scene = await TxnScene.start();
  turns = await countTurns(scene.server.port);
  const store = redisStore({ ...storeOptions(scene.server), port: turns.port });
  app = await scene.app({ module: { store, txn: { recovery: false } } });
  // The server learns the scripts.
  await app.cache.getOrLoad('warm', () => 1);
}, 30_000);
afterAll(async () => {
  await scene.stop();
  await turns.close();
});

describe('getOrLoadMany', () => {
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);

  it('takes one round trip and one load for what is missing, one to cache it, and one when all is there', async () => {
    let loads = 0;
    const load = (missing: readonly string[]): Map<string, string> => {
      loads += 1;
      return new Map(missing.map((key) => [key, `${key} loaded`]));
    };
    const cost = async (): Promise<{ size: number; turns: number; loads: number }> => {
      turns.take();
      const before = loads;
      const { size } = await app.cache.getOrLoadMany(keys, load);
      return { size, turns: turns.take(), loads: loads - before };
    };
    expect(await cost()).toEqual({ size: 100, turns: 2, loads: 1 });
    expect(await cost()).toEqual({ size: 100, turns: 1, loads: 0 });
    await app.cache.delete('k7', 'k8');
    expect(await cost()).toEqual({ size: 100, turns: 2, loads: 1 });
  });
});

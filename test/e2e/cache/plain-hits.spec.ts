import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countCommands } from '../../support/counting/command-stats.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

const namespace = 'plain';

let scene: TxnScene;
let reader: TxnApp;
let writer: TxnApp;

beforeAll(async () => {
  scene = await TxnScene.start();
  const module = { namespace, txn: { recovery: false } } as const;
  reader = await scene.app({ module });
  writer = await scene.app({ module });
}, 30_000);
afterAll(() => scene.stop());

/** What a read asks the server, and whether it loaded. */
async function read(key: string, options = {}): Promise<{ value: unknown; scripts: number; plain: number }> {
  const count = await countCommands(scene.redis);
  const value = await reader.cache.getOrLoad(key, () => 'loaded', options);
  const { EVALSHA = 0, HMGET = 0 } = await count();
  // The script has one HMGET of its own.
  return { value, scripts: EVALSHA, plain: HMGET - EVALSHA };
}

/** The reader has found a value there. */
async function hit(key: string): Promise<void> {
  await reader.cache.getOrLoad(key, () => 'loaded');
  await reader.cache.getOrLoad(key, () => 'loaded');
}

describe('a key that had a value when it was last read', () => {
  it('is asked for without a script', async () => {
    await writer.cache.set('a', 1);
    expect(await read('a')).toEqual({ value: 1, scripts: 1, plain: 0 });
    expect(await read('a')).toEqual({ value: 1, scripts: 0, plain: 1 });
    await writer.cache.set('a', 2);
    expect(await read('a')).toEqual({ value: 2, scripts: 0, plain: 1 });
  });

  it('is asked for once more when another process has deleted it, and loaded', async () => {
    await hit('b');
    await writer.cache.delete('b');
    // To be asked plainly, to have the lease, and to publish.
    expect(await read('b')).toEqual({ value: 'loaded', scripts: 2, plain: 1 });
    await hit('b');
    await reader.cache.delete('b');
    // What this process deletes it does not expect.
    expect(await read('b')).toEqual({ value: 'loaded', scripts: 2, plain: 0 });
  });

  it('has its prepared write looked at', async () => {
    await hit('c');
    await scene.redis.hset(
      `${namespace}:e:c`,
      'i',
      `txn 1 put 1 0 0 [${JSON.stringify(`${namespace}:e:c`)},${JSON.stringify('c')}]`,
    );
    const { scripts } = await read('c', { wait: 0 });
    expect(scripts).toBeGreaterThan(0);
  });

  it('is asked for without a script when what got stale has been written anew', async () => {
    await reader.cache.getOrLoad('e', () => 'first', { staleWhileRevalidate: '1h' });
    await writer.cache.set('e', 'second');
    await hit('e');
    expect(await read('e')).toEqual({ value: 'second', scripts: 0, plain: 1 });
    expect(await read('e')).toEqual({ value: 'second', scripts: 0, plain: 1 });
  });

  it('is loaded anew when its value has got stale meanwhile', async () => {
    await hit('d');
    const version = await scene.redis.hget(`${namespace}:e:d`, 'ver');
    await scene.redis.hset(`${namespace}:e:d`, { v: '"old"', s: `${version} 1` });
    expect((await read('d')).value).toBe('loaded');
  });
});

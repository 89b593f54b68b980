import { beforeEach, expect, it } from '@jest/globals';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process({ cache: { near: true, ttl: '1h' } }), await world.process()];
});

it('a process that has an old copy of a tag takes what others have loaded, and lets them keep it', async () => {
  const options = { tags: ['t'] };
  await app.cache.getOrLoad('a', () => 'first', options);
  await app.cache.getOrLoad('b', () => 'first', options);
  expect(await app.cache.get('a')).toBe('first');
  app.store.always('change', 'drop-before'); // lost messages
  await other.cache.invalidateTags('t');
  let loads = 0;
  const load = () => (loads += 1);
  await other.cache.getOrLoad('c', load, options);
  for (let i = 0; i < 5; i += 1) {
    await app.cache.getOrLoad('c', load, options);
    await other.cache.getOrLoad('c', load, options);
  }
  expect(loads).toBe(1);
});

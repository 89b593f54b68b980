import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { LeaseRequest } from '../../../src/store/fill-operations.js';
import { eventually } from '../../support/eventually.js';
import type { ScriptedStore } from '../../support/stores/scripted-store.js';
import { TxnScene } from '../../support/txn-scene.js';
import { milestone } from '../../support/txn-world.js';
import { observe } from '../../unit/lock/lock-world.js';
import { Books, Shelf } from './books.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

it('an application that closes while its calls wait for another process’s load ends at once, and its calls with it', async () => {
  const cache = { wait: '1h', timeout: '1h' } as const;
  const namespace = 'closing';
  const store = scene.scriptedStore();
  const [theirs, ours] = [
    await scene.app({ module: { namespace, cache }, controllers: [Books], providers: [Shelf] }),
    await scene.app({ module: { namespace, cache, store }, controllers: [Books], providers: [Shelf] }),
  ];
  const loading = theirs.app.get(Shelf);
  loading.door = milestone();
  const first = theirs.send('GET', '/books/1');
  await loading.begun.reached;

  const page = ours.send('GET', '/books/1').catch((error: unknown) => error);
  const strict = observe(ours.cache.getOrLoad('book:1', () => 'ours', { onStoreError: 'throw' }));
  const lenient = observe(ours.cache.getOrLoad('book:1', () => 'ours'));
  await eventually(() => haveAsked(store, 3), { what: 'calls that wait and ask again' });
  expect([strict.state, lenient.state]).toEqual(['pending', 'pending']);

  await ours.app.close();
  await page;
  await eventually(() => strict.state !== 'pending' && lenient.state !== 'pending', { what: 'the end of the calls' });
  expect(strict.error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(lenient.value).toBe('ours');
  expect(ours.app.get(Shelf).reads).toBe(0);

  loading.door.reach();
  expect(await first).toMatchObject({ status: 200, body: { title: 'Emma' } });
  expect(await theirs.cache.get('book:1')).toMatchObject({ title: 'Emma' });
});

/** Whether that many calls know that another process loads: the one that asks for all of them has had an answer after their last question. */
function haveAsked(store: ScriptedStore, calls: number): boolean {
  const questions = store.requests<LeaseRequest>('leaseFill').map(({ tellsEnd = false }) => tellsEnd);
  const last = questions.lastIndexOf(false);
  return questions.filter((tellsEnd) => !tellsEnd).length === calls && questions.length - last > 2;
}

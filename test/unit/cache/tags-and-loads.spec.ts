import { beforeEach, describe, expect, it } from '@jest/globals';
import { observe } from '../lock/lock-world.js';
import { gate, unavailable } from '../../support/stores/scripted-store.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

/** A load that has begun, and gives `value` when it is told to. */
async function begun({ cache }: TxnProcess, value: string | undefined, tags: readonly string[] = ['t']) {
  const [start, end] = [milestone(), milestone()];
  const call = cache.getOrLoad(
    'a',
    async () => {
      start.reach();
      await end.reached;
      return value;
    },
    { tags },
  );
  await start.reached;
  return { call, end: end.reach };
}

describe('a call that comes after an invalidation, while a load from before it is under way', () => {
  it.each([
    ['that names the tag', ['t'], 'old'],
    ['that names no tag', [], 'old'],
    ['that is to find nothing', ['t'], undefined],
  ])('G55: does not share it: one %s', async (_which, tags, value) => {
    for (const loading of [app, other]) {
      const older = await begun(loading, value);
      const early = observe(app.cache.getOrLoad('a', () => 'early', { tags: ['t'] }));
      await world.settle();
      await other.cache.invalidateTags('t');
      const calls = [1, 2].map(() => observe(app.cache.getOrLoad('a', () => 'new', { tags })));
      await world.settle();
      older.end();
      expect(await older.call).toBe(value);
      await world.elapse(50);
      expect([early.state, ...calls.map((call) => call.value)]).toEqual(['fulfilled', 'new', 'new']);
      expect(await other.cache.getOrLoad('a', () => 'newer', { tags })).toBe('new');
      await app.cache.delete('a');
    }
  });

  it('G52: waits for it no longer than it would for any other', async () => {
    const older = await begun(app, 'old');
    await other.cache.invalidateTags('t');
    const call = observe(app.cache.getOrLoad('a', () => 'new', { tags: ['t'], wait: '1s' }));
    await world.elapse(1_000);
    expect(call.value).toBe('new');
    older.end();
    await older.call;
  });

  it('shares it when the tag is the same', async () => {
    const older = await begun(app, 'old');
    const calls = [['t'], []].map((tags) => app.cache.getOrLoad('a', () => 'own', { tags }));
    await world.settle();
    older.end();
    expect(await Promise.all(calls)).toEqual(['old', 'old']);
  });
});

describe('tags that cannot be read', () => {
  const tags = ['t'];

  it('give a lease back that nobody will use', async () => {
    const late = gate();
    app.store.next('readEntries', (run) => late.lateReply(run).then(() => unavailable(run)));
    const call = observe(app.cache.getOrLoad('a', () => 1, { tags, onStoreError: 'throw' }));
    await world.settle();
    late.open();
    await world.settle();
    expect(call.error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const next = observe(other.cache.getOrLoad('a', () => 2, { tags }));
    await world.settle();
    expect(next.value).toBe(2);
  });

  it('are nothing to a call without keys', async () => {
    app.store.next('readEntries', unavailable);
    expect(await app.cache.getOrLoadMany([], () => ({}), { tags, onStoreError: 'throw' })).toEqual(new Map());
  });

  it('G53: keep no load waiting, after five failures in a row', async () => {
    const answer = gate();
    for (const [operation, fault] of [
      ['leaseFill', undefined],
      ['readEntries', unavailable],
    ] as const)
      app.store.always(operation, fault);
    for (let i = 0; i < 5; i += 1) await app.cache.getOrLoad(`${i}`, () => i, { tags });
    app.store.always('readEntries', answer.lateRequest);
    const call = observe(app.cache.getOrLoad('a', () => 'loaded', { tags }));
    await world.settle();
    expect(call.value).toBe('loaded');
    app.store.always('readEntries', undefined);
    answer.open();
    await world.elapse(1_000);
    expect(await app.cache.getOrLoad('a', () => 'kept', { tags })).toBe('kept');
    expect(await other.cache.get('a')).toBe('kept');
  });
});

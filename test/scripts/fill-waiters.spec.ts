import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { type FillBench, LONG_MS, useFillBench } from './fill-bench.js';
import type { Write } from './intent-bench.js';

const MOST_WAITERS = 16;

/** Who waits for a lease is noted beside it, and told in the step that ends it. */
describe('those that wait for a lease', () => {
  const bench = useFillBench();
  let fills: FillBench;
  let here: string;
  let there: string;
  let listener: Redis;
  let messages: string[];

  beforeEach(async () => {
    fills = bench();
    [here, there] = [fills.key('a process: '), fills.key('another')];
    messages = [];
    listener = fills.bench.client.duplicate();
    listener.on('message', (channel, message: string) => messages.push(`${channel} ${message}`));
    await listener.subscribe(here, there);
  });

  afterEach(() => listener.disconnect());

  /** The messages so far: answers of the listening connection come after them. */
  async function heard(): Promise<string[]> {
    await listener.ping();
    return messages.splice(0).sort();
  }

  /** A key whose lease ann has and two processes wait for; it has a version or not. */
  async function awaited(isBare = false): Promise<string> {
    const key = fills.key();
    if (isBare) await fills.commits.apply({ key, kind: 'bump', ttlMs: 0 });
    await fills.lease(key, 'ann');
    for (const [token, inbox] of [
      ['bob', here],
      ['cid', there],
    ] as const)
      expect(await fills.lease(key, token, LONG_MS, { inbox })).toMatchObject(['busy', expect.any(String), 'ann']);
    return key;
  }

  const toldTo = (...inboxes: string[]): string[] => inboxes.map((inbox) => `${inbox} fill ann`).sort();

  it('are noted once each, whatever they ask, and nothing else of the key changes', async () => {
    const key = fills.key();
    await fills.lease(key, 'ann');
    const [before, endsMs] = [await fills.entry(key), await fills.bench.client.pexpiretime(key)];
    await fills.lease(key, 'bob', 2 * LONG_MS, { inbox: here });
    await fills.lease(key, 'cid', 2 * LONG_MS, { inbox: there });
    const snapshot = await fills.snapshot(key);
    for (const inbox of [here, there, here]) await fills.lease(key, 'dan', 2 * LONG_MS, { inbox });
    expect(await fills.snapshot(key)).toEqual(snapshot);
    expect(await fills.entry(key)).toEqual({ ...before, fw: `${here}\n${there}\n` });
    expect(await fills.bench.client.pexpiretime(key)).toBe(endsMs);
    expect(await heard()).toEqual([]);
  });

  it('are not noted by a hit, by a lease, nor by their own', async () => {
    const [hit, own] = [fills.key(), fills.key()];
    await fills.commits.apply({ key: hit, kind: 'put' });
    for (const key of [hit, own, own]) await fills.lease(key, 'ann', LONG_MS, { inbox: here });
    for (const key of [hit, own]) expect(await fills.entry(key)).not.toHaveProperty('fw');
  });

  it(`are ${MOST_WAITERS} processes at most: one more has its answer, and is not told`, async () => {
    const key = fills.key();
    await fills.lease(key, 'ann');
    const inboxes = Array.from({ length: MOST_WAITERS - 1 }, (_, i) => `inbox-${i}`);
    for (const inbox of [...inboxes, here, there, here])
      expect(await fills.lease(key, 'bob', LONG_MS, { inbox })).toMatchObject(['busy', expect.any(String), 'ann']);
    expect((await fills.entry(key)).fw).toBe([...inboxes, here, ''].join('\n'));
    await fills.fill(key, 'ann');
    expect(await heard()).toEqual(toldTo(here));
  });

  it.each([false, true])(
    'are told when it is filled or given back, and forgotten (with a version: %s)',
    async (isBare) => {
      for (const end of ['fill', 'giveBack'] as const) {
        const key = await awaited(isBare);
        await fills[end](key, 'ann');
        expect(await heard()).toEqual(toldTo(here, there));
        expect(await fills.entry(key)).not.toHaveProperty('fw');
        await fills[end](key, 'ann');
        expect(await heard()).toEqual([]);
      }
    },
  );

  it.each(['put', 'bump', 'delete'] as const)(
    'are told when a %s is committed or prepared, and forgotten',
    async (kind) => {
      for (const isBare of [false, true]) {
        const [committed, prepared] = [await awaited(isBare), await awaited(isBare)];
        await fills.commits.apply({ key: committed, kind });
        expect(await heard()).toEqual(toldTo(here, there));
        const share = fills.share([{ key: prepared, kind } satisfies Write]);
        await fills.prepared(share);
        expect(await heard()).toEqual(toldTo(here, there));
        for (const key of [committed, prepared]) expect(await fills.entry(key)).not.toHaveProperty('fw');
        await fills.settle(share, 'committed');
        expect(await heard()).toEqual([]);
      }
    },
  );

  it('are kept, and not told, by a fill of another token, a check, a refused commit and the same lease once more', async () => {
    const key = await awaited();
    const before = await fills.entry(key);
    await fills.fill(key, 'bob');
    await fills.commits.apply({ key, kind: 'check' });
    const commit = { outcome: fills.key('outcome'), operations: [{ key, kind: 'put', expected: 7 } as const] };
    expect(await fills.commits.commit(commit)).toMatchObject({ 0: 'conflict' });
    await fills.lease(key, 'ann');
    expect(await fills.entry(key)).toMatchObject({ f: 'ann', fw: before.fw });
    expect(await heard()).toEqual([]);
  });

  it('are told, and forgotten, when somebody has the next lease because the time of this one is over', async () => {
    const key = await awaited(true);
    await fills.endLease(key);
    expect(await fills.lease(key, 'dan', LONG_MS, { inbox: here })).toEqual(['leased']);
    expect(await heard()).toEqual(toldTo(here, there));
    const entry = await fills.entry(key);
    expect(entry).toMatchObject({ f: 'dan' });
    expect(entry).not.toHaveProperty('fw');
  });

  it('are not told by a user without permission for the channel, who fills all the same', async () => {
    const { client } = fills.bench;
    await client.acl('SETUSER', 'mute', 'reset', 'on', 'nopass', '+@all', '~*', 'resetchannels');
    const mute = client.duplicate({ username: 'mute', password: 'any' });
    const key = await awaited();
    expect(await fills.bench.run('fill', [key], ['ann', LONG_MS, 'timestamp', 0, 'loaded'], mute)).toMatchObject({
      0: 'filled',
    });
    expect(await fills.entry(key)).toMatchObject({ v: 'loaded' });
    expect(await fills.entry(key)).not.toHaveProperty('fw');
    expect(await heard()).toEqual([]);
    mute.disconnect();
  });
});

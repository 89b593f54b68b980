import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { LONG_MS, useFillBench } from './fill-bench.js';
import type { Write } from './intent-bench.js';

/** What a namespace's channel carries: one message for each run of a script, in the same step as its writes. */
describe('the scripts tell what they have written', () => {
  const bench = useFillBench();
  let namespace: string;
  let listener: Redis;
  let messages: string[][];

  beforeEach(async () => {
    namespace = bench().key('ns');
    messages = [];
    listener = bench().bench.client.duplicate();
    listener.on('message', (_channel, message: string) => messages.push(JSON.parse(message) as string[]));
    await listener.subscribe(`${namespace}:in:e`);
  });

  afterEach(() => listener.disconnect());

  const entry = (key: string): string => `${namespace}:e:${key}`;

  /** The messages so far: answers of the listening connection come after them. */
  async function heard(): Promise<string[][]> {
    await listener.ping();
    return messages.splice(0);
  }

  it('commit: every put, bump and deletion with its version in one message, and no check', async () => {
    const { commits } = bench();
    const kinds = ['check', 'put', 'bump', 'delete', 'check'] as const;
    const [, put, bumped] = await commits.apply(...kinds.map((kind, i) => ({ kind, key: entry(`${kind}-${i}`) })));
    expect(await heard()).toEqual([['put-1', String(put), 'bump-2', String(bumped), 'delete-3', '']]);
    await commits.apply({ kind: 'check', key: entry('put-1') });
    expect(await heard()).toEqual([]);
  });

  it('commit: nothing when it is refused, and nothing again when it comes twice', async () => {
    const { commits } = bench();
    const put = (expected: number | string) => ({ kind: 'put', key: entry('key'), expected }) as const;
    const commit = { outcome: commits.key('outcome'), operations: [put(0)] };
    await commits.commit(commit);
    expect(await heard()).toHaveLength(1);
    expect(await commits.commit(commit)).toMatchObject({ 0: 'committed' });
    expect(await commits.commit({ ...commit, outcome: commits.key('outcome') })).toMatchObject({ 0: 'conflict' });
    expect(await heard()).toEqual([]);
  });

  it('fill: the version of what it filled, and nothing of a lease that ends or a fill that is refused', async () => {
    const fills = bench();
    await fills.lease(entry('given-back'), 'ann');
    await fills.giveBack(entry('given-back'), 'ann');
    await fills.fill(entry('given-back'), 'ann');
    expect(await heard()).toEqual([]);
    await fills.lease(entry('key'), 'ann');
    const [, version] = await fills.fill(entry('key'), 'ann');
    expect(await heard()).toEqual([['key', String(version)]]);
  });

  it('prepare: every intent with the version it will have, once; what is decided, settled or taken back then is no news', async () => {
    const txn = bench();
    const kinds = ['put', 'bump', 'delete'] as const;
    for (const end of ['decide', 'committed', 'published', 'aborted'] as const) {
      const share = txn.share(kinds.map((kind): Write => ({ kind, key: entry(`${kind}-${end}`) })));
      const versions = await txn.prepared(share);
      expect(await heard()).toEqual([
        [`put-${end}`, String(versions[0]), `bump-${end}`, String(versions[1]), `delete-${end}`, ''],
      ]);
      await txn.prepared(share);
      if (end === 'decide') await txn.decide(share);
      else await txn.settle(share, end, { versions });
      await txn.settle(share, end === 'aborted' ? 'aborted' : 'committed', {
        versions: [versions[0]!, versions[1]!, 0],
      });
      expect(await heard()).toEqual([]);
    }
  });

  it.each(['published', 'void'] as const)('settle, %s: every value that it drops, in one message', async (verdict) => {
    const txn = bench();
    await txn.commits.apply({ kind: 'put', key: entry('present') }, { kind: 'put', key: entry('taken') });
    await txn.prepared(txn.share([{ kind: 'put', key: entry('taken') }]));
    const share = txn.share(['present', 'taken', 'absent'].map((key): Write => ({ kind: 'put', key: entry(key) })));
    await heard();
    await txn.settle(share, verdict, { versions: [1, 1, 1] });
    expect(await heard()).toEqual([['present', '', 'taken', '', 'absent', '']]);
  });

  it('settle, void: the value beside its own intent too', async () => {
    const txn = bench();
    const share = txn.share([{ kind: 'put', key: entry('own') }]);
    await txn.prepared(share);
    await heard();
    await txn.settle(share, 'void');
    expect(await heard()).toEqual([['own', '']]);
  });

  it('settle, committed: what it drops because it is older than what was committed', async () => {
    const txn = bench();
    const [version = 0] = await txn.commits.apply({ kind: 'put', key: entry('older') });
    const share = txn.share([{ kind: 'put', key: entry('older') }]);
    await heard();
    await txn.settle(share, 'committed', { versions: [version] });
    expect(await heard()).toEqual([]);
    await txn.settle(share, 'committed', { versions: [version + 1] });
    expect(await heard()).toEqual([['older', '']]);
  });

  it('keys of any characters arrive as they are', async () => {
    const keys = [':e:', 'a:b', '"\\/\r\n\0\u007f', 'ü漢😀', "it's", ' '];
    await bench().commits.apply(...keys.map((key) => ({ kind: 'delete', key: entry(key) }) as const));
    expect(await heard()).toEqual([keys.flatMap((key) => [key, ''])]);
  });

  it('a user without permission for the channel writes all the same', async () => {
    const { client } = bench().bench;
    await client.acl('SETUSER', 'mute', 'reset', 'on', 'nopass', '+@all', '~*', 'resetchannels');
    const mute = client.duplicate({ username: 'mute', password: 'any' });
    const args = [1, LONG_MS, 'put', '', 'timestamp', 0, 'value'];
    const outcome = bench().key('outcome');
    expect(await bench().bench.run('commit', [outcome, entry('key')], args, mute)).toMatchObject({ 0: 'committed' });
    expect(await client.hget(entry('key'), 'v')).toBe('value');
    expect(await heard()).toEqual([]);
    mute.disconnect();
  });
});

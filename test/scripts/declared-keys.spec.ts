import { afterEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { readdirSync, readFileSync } from 'node:fs';

import { loadScript } from '../../src/redis/commands/script.js';
import { LONG_MS, useLockBench } from './lock-bench.js';
import type { ScriptBench } from './script-bench.js';

/**
 * Redis checks the permission for every key that a command of a script touches, so a user who may touch exactly the
 * declared keys proves that no script touches another one, and that a cluster can route it by its KEYS.
 */
describe('the scripts touch no key but their KEYS', () => {
  const bench = useLockBench();
  const clients: Redis[] = [];

  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });

  /** Runs a script as a user who may use these keys and no other; channels are free. */
  async function runConfined(
    { client }: ScriptBench,
    script: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    await client.acl('SETUSER', 'confined', 'reset', 'on', 'nopass', '+@all', '&*', ...keys.map((key) => `~${key}`));
    const confined = client.duplicate({ username: 'confined', password: 'any' });
    clients.push(confined);
    return confined.eval(loadScript(script).source, keys.length, ...keys, ...args);
  }

  it('a user confined to a key cannot touch another one from a script', async () => {
    const { bench: scripts } = bench();
    await scripts.client.acl('SETUSER', 'confined', 'reset', 'on', 'nopass', '+@all', '~mine');
    const confined = scripts.client.duplicate({ username: 'confined', password: 'any' });
    clients.push(confined);
    expect(await confined.eval("return redis.call('HLEN', KEYS[1])", 1, 'mine')).toBe(0);
    await expect(confined.eval("return redis.call('HLEN', 'other')", 1, 'mine')).rejects.toThrow(/can't access/);
  });

  it('lock-acquire: taking, queueing, purging a full queue, and handing over an expired lock', async () => {
    const locks = bench();
    const [one, two] = [locks.name(), locks.name()];
    const keys = [locks.keyOf(one), locks.keyOf(two)];
    const ask = (token: string, queueMs: number): Promise<unknown> =>
      runConfined(locks.bench, 'lock-acquire', keys, [token, `in:${token}`, LONG_MS, LONG_MS, queueMs, 2, one, two]);
    expect(await ask('ann', 0)).toMatchObject({ 0: 'acquired' });
    expect(await ask('bob', 0)).toMatchObject({ 0: 'busy' });
    for (const token of ['bob', 'cid']) expect(await ask(token, LONG_MS)).toMatchObject({ 0: 'queued' });
    expect(await ask('dan', LONG_MS)).toMatchObject({ 0: 'full' });
    await locks.bury(one, 'bob');
    expect(await ask('dan', LONG_MS)).toMatchObject({ 0: 'queued' });
    await locks.expire(one);
    expect(await ask('dan', LONG_MS)).toMatchObject({ 0: 'queued' });
    expect(await locks.owner(one)).toBe('cid');
  });

  it('lock-renew, lock-inspect, lock-release and lock-force-release: with and without somebody waiting', async () => {
    const locks = bench();
    const [one, two] = [locks.name(), locks.name()];
    const keys = [locks.keyOf(one), locks.keyOf(two)];
    await locks.hold([one, two], 'ann');
    await locks.queue(one, 'bob');
    expect(await runConfined(locks.bench, 'lock-renew', keys, ['ann', LONG_MS, 0, 'ann', LONG_MS, 9])).toEqual([1, 1]);
    expect(await runConfined(locks.bench, 'lock-inspect', keys, [])).toMatchObject([{ 4: '1' }, { 4: '0' }]);
    expect(await runConfined(locks.bench, 'lock-release', keys, ['ann', 0, one, two])).toBe('released');
    expect(await runConfined(locks.bench, 'lock-release', keys, ['bob', LONG_MS, one, two])).toBe('lost');
    expect(await runConfined(locks.bench, 'lock-force-release', [keys[0]!], [one, ''])).toBe(1);
  });

  it('commit and commit-resolve: every kind of operation, with a lock, committed and refused', async () => {
    const locks = bench();
    const name = locks.name();
    await locks.hold([name], 'ann');
    const entries = ['put', 'bump', 'delete', 'check'].map((kind) => [kind, locks.bench.unique(kind)] as const);
    const keys = [locks.bench.unique('outcome'), ...entries.map(([, key]) => key), locks.keyOf(name)];
    const args = (ttlMs: number): (string | number)[] => [
      entries.length,
      LONG_MS,
      ...entries.flatMap(([kind]) => [kind, '', 'counter', ttlMs, 'value']),
      'ann',
    ];
    expect(await runConfined(locks.bench, 'commit', keys, args(LONG_MS))).toMatchObject({ 0: 'committed' });
    expect(await runConfined(locks.bench, 'commit-resolve', [keys[0]!], [LONG_MS])).toMatchObject({ 0: 'committed' });
    await locks.bench.client.del(keys[0]!);
    expect(await runConfined(locks.bench, 'commit', keys, args(0))).toMatchObject({ 0: 'committed' });
    await locks.release([name], 'ann');
    await locks.bench.client.del(keys[0]!);
    expect(await runConfined(locks.bench, 'commit', keys, args(0))).toMatchObject({ 0: 'lock-lost' });
    expect(await runConfined(locks.bench, 'commit-resolve', [keys[0]!], [LONG_MS])).toEqual(['aborted']);
  });

  it('prepare, decide, decision-ask and settle: every kind of operation, with a lock, committed, aborted and refused', async () => {
    const locks = bench();
    const { bench: scripts } = locks;
    const name = locks.name();
    await locks.hold([name], 'ann');
    const entries = ['put', 'bump', 'delete'].map((kind) => [kind, scripts.unique(kind)] as const);
    const prepared = entries.map(([, key]) => key);
    for (const key of prepared) await scripts.client.hset(key, { v: 'old', ver: 1 });
    await scripts.client.pexpire(prepared[1]!, LONG_MS);
    const read = scripts.unique('read');
    const writes = entries.flatMap(([kind]) => [kind, '', 'counter', LONG_MS, 'value']);
    const shared = (txn: string): (string | number)[] => [3, txn, '["decider","anchor"]', LONG_MS, LONG_MS];
    const prepare = (record: string, txn: string): Promise<unknown> =>
      runConfined(scripts, 'prepare', [record, ...prepared, locks.keyOf(name)], [...shared(txn), ...writes, 'ann']);
    const settle = (record: string, txn: string, verdict: string, versions: readonly (string | number)[]) =>
      runConfined(scripts, 'settle', [record, ...prepared], [txn, verdict, LONG_MS, ...versions]);
    const decide = (record: string, txn: string, expected: string | number): Promise<unknown> =>
      runConfined(scripts, 'decide', [record, ...prepared, read], [3, txn, LONG_MS, expected]);

    const [aborted, committed, asked] = [scripts.unique('record'), scripts.unique('record'), scripts.unique('record')];
    expect(await prepare(aborted, 'one')).toMatchObject({ 0: 'prepared' });
    expect(await prepare(committed, 'two')).toMatchObject({ 0: 'intent' });
    expect(await settle(aborted, 'one', 'aborted', ['', '', ''])).toBe('OK');
    expect(await prepare(aborted, 'one')).toEqual(['aborted']);
    expect(await decide(aborted, 'one', '')).toEqual(['aborted']);
    expect(await prepare(committed, 'two')).toMatchObject({ 0: 'prepared' });
    const ask = (record: string): Promise<unknown> =>
      runConfined(scripts, 'decision-ask', [record, prepared[0]!], ['two', 1, LONG_MS]);
    expect(await ask(committed)).toMatchObject({ 0: 'pending' });
    expect(await decide(committed, 'two', 7)).toMatchObject({ 0: 'conflict' });
    expect(await decide(committed, 'two', 0)).toMatchObject({ 0: 'committed' });
    expect(await ask(committed)).toEqual(['committed']);
    expect(await ask(asked)).toEqual(['aborted']);
    expect(await decide(asked, 'never prepared', '')).toEqual(['aborted']);
    expect(await settle(scripts.unique('record'), 'lost', 'committed', [9, 9, 9])).toBe('OK');
  });

  it('fill-lease and fill: with and without a token', async () => {
    const { bench: scripts } = bench();
    const keys = [scripts.unique('entry')];
    expect(await runConfined(scripts, 'fill-lease', keys, ['one', LONG_MS])).toEqual(['leased']);
    expect(await runConfined(scripts, 'fill-lease', keys, ['two', LONG_MS])).toMatchObject({ 0: 'busy' });
    expect(await runConfined(scripts, 'fill', keys, ['two', LONG_MS, 'counter', 0, 'value'])).toEqual(['refused']);
    expect(await runConfined(scripts, 'fill', keys, ['one', LONG_MS, 'counter', 0, 'value'])).toMatchObject({
      0: 'filled',
    });
    expect(await runConfined(scripts, 'fill-lease', keys, ['two', LONG_MS])).toMatchObject({ 0: 'hit' });
  });

  it('transaction-open, transaction-overdue and transaction-list', async () => {
    const { bench: scripts } = bench();
    const list = scripts.unique('open');
    expect(await runConfined(scripts, 'transaction-open', [list], ['one', 0])).toBe('OK');
    expect(await runConfined(scripts, 'transaction-overdue', [list], [1])).toEqual(['one']);
    expect(await runConfined(scripts, 'transaction-list', [list], [1])).toMatchObject({ 1: 'one' });
  });

  it('member-look, member-leave, roll-call, roll-answer, roll-read and roll-conclude: from the call to the last node', async () => {
    const { bench: scripts } = bench();
    const base = scripts.unique('roll');
    const keys = ['m', 'r', 'p'].map((kind) => `${base}:{a}:${kind}`);
    const record = `${base}:{a}:d`;
    const withRecord = [...keys, record];
    const run = (script: string, args: (string | number)[], on = keys) => runConfined(scripts, script, on, args);
    const look = (node: string, entering: number, former = '') =>
      runConfined(scripts, 'member-look', keys, [node, LONG_MS, entering, former]);
    expect(await look('ann', 0)).toEqual(['lost']);
    for (const node of ['ann', 'bob', 'cid']) expect(await look(node, 1)).toEqual(['member']);
    const call = runConfined(scripts, 'roll-call', keys.concat(record), [
      'one',
      'key',
      LONG_MS,
      'in:x',
      'in:p:a',
      '"payload"',
    ]);
    expect(await call).toEqual(['called', 3]);
    expect(await run('roll-call', ['two', 'key', LONG_MS, 'in:x', 'in:p:a', '1'], withRecord)).toMatchObject({
      0: 'busy',
    });
    expect(await look('dan', 1, 'cid')).toMatchObject({ 1: 'one' });
    expect(await runConfined(scripts, 'roll-answer', keys, ['one', 'ann', 'ready'])).toEqual(['noted']);
    expect(await runConfined(scripts, 'roll-read', keys, ['one'])).toEqual(['waiting']);
    expect(await runConfined(scripts, 'member-leave', keys, ['bob'])).toBe('OK');
    expect(await run('roll-read', ['one'])).toEqual(['ready']);
    const conclusion = ['one', 'committed', LONG_MS, 'in:p:a'];
    expect(await runConfined(scripts, 'roll-conclude', keys.concat(record), conclusion)).toBe('committed');
    expect(await run('roll-answer', ['one', 'ann', 'done'])).toEqual(['noted']);
    expect(await run('roll-call', ['one', 'key', LONG_MS, 'in:x', 'in:p:a', '1'], withRecord)).toEqual(['over']);
  });

  it('every script is here', () => {
    const files = readdirSync(new URL('../../src/redis/scripts/', import.meta.url));
    const known = readFileSync(new URL(import.meta.url), 'utf8');
    const scripts = files.filter((file) => file.endsWith('.lua')).map((file) => file.slice(0, -'.lua'.length));
    expect(
      scripts.filter((script) => !known.includes(`'${script}', [`) && !known.includes(`'${script}', keys`)),
    ).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { useScriptBench } from './script-bench.js';

const LONG_MS = 60_000;

describe('the scripts of participants on other nodes', () => {
  const bench = useScriptBench();

  function scene() {
    const base = bench().unique('ns:p:{a}');
    const keys = ['m', 'r', 'p'].map((kind) => `${base}:${kind}`);
    const record = `${base}:d:one`;
    const run = (script: string, args: readonly (string | number)[], further: readonly string[] = []) =>
      bench().run(script, [...keys, ...further], args);
    const enter = (node: string, leaseMs = LONG_MS) => run('member-look', [node, leaseMs, 1, '']);
    const call = (txn = 'one') => run('roll-call', [txn, 'key', LONG_MS, 'in:x', 'in:p:a', '"payload"'], [record]);
    const answer = (node: string, what: string) => run('roll-answer', ['one', node, what]);
    const conclude = (outcome: string) => run('roll-conclude', ['one', outcome, LONG_MS, 'in:p:a'], [record]);
    return { keys, record, run, enter, call, answer, conclude };
  }

  it('keep members, rolls and payloads without a TTL, and the outcome with one', async () => {
    const { keys, record, enter, call, conclude } = scene();
    await enter('ann');
    expect(await call()).toEqual(['called', 1]);
    const { client } = bench();
    expect(await Promise.all(keys.map((key) => client.pttl(key)))).toEqual([-1, -1, -1]);
    await conclude('committed');
    expect(await client.pttl(record)).toBeGreaterThan(0);
  });

  it.each(['look', 'call', 'vote', 'done', 'conclude', 'leave'])(
    '%s called twice does what it does once',
    async (step) => {
      const { keys, record, run, enter, call, answer, conclude } = scene();
      const steps: Record<string, () => Promise<unknown>> = {
        look: () => enter('ann'),
        call: () => call(),
        vote: () => answer('ann', 'ready'),
        conclude: () => conclude('committed'),
        done: () => answer('ann', 'done'),
        leave: () => run('member-leave', ['ann']),
      };
      await enter('bob');
      for (const [name, send] of Object.entries(steps)) {
        await send();
        if (name !== step) continue;
        // A lease may be renewed for a millisecond longer.
        const others = name === 'look' ? [] : [...keys, record];
        const before = (await bench().snapshot(others)).map(({ dump }) => dump);
        await send();
        expect((await bench().snapshot(others)).map(({ dump }) => dump)).toEqual(before);
        if (name === 'look') expect(await bench().client.hlen(keys[0] ?? '')).toBe(2);
      }
    },
  );

  it('leave nothing but who is a member and the outcome when all have acted', async () => {
    const { keys, enter, call, answer, conclude } = scene();
    for (const node of ['ann', 'bob']) await enter(node);
    await call();
    for (const node of ['ann', 'bob']) await answer(node, 'ready');
    await conclude('committed');
    await answer('ann', 'done');
    expect(await bench().client.exists(...keys)).toBe(3);
    await answer('bob', 'done');
    expect(await Promise.all(keys.map((key) => bench().client.exists(key)))).toEqual([1, 0, 0]);
  });

  it('tell the owner of the last vote only, and the members of the call and of the outcome', async () => {
    const { enter, call, answer, conclude } = scene();
    const listener = bench().client.duplicate();
    const heard: string[] = [];
    listener.on('message', (channel: string, message: string) => heard.push(`${channel}: ${message}`));
    await listener.subscribe('in:x', 'in:p:a');
    for (const node of ['ann', 'bob']) await enter(node);
    await call();
    await call();
    for (const node of ['ann', 'bob']) await answer(node, 'ready');
    await conclude('committed');
    await conclude('committed');
    await listener.ping();
    expect(heard).toEqual(['in:p:a: look', 'in:x: roll one ready a', 'in:p:a: one committed']);
    listener.disconnect();
  });

  it('G41: foreign data is an error, and is not written', async () => {
    const { keys, enter, call } = scene();
    await bench().client.hset(keys[1] ?? '', 'other', 'no JSON');
    await expect(enter('ann')).rejects.toThrow(/user_script/);
    await expect(call()).rejects.toThrow(/user_script/);
    expect(await bench().client.hgetall(keys[1] ?? '')).toEqual({ other: 'no JSON' });
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { eventually } from '../support/eventually.js';
import { DAY_MS, useLockBench } from './lock-bench.js';

describe('lock-release: the hand-over', () => {
  const bench = useLockBench();
  const listeners: Redis[] = [];

  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.disconnect();
  });

  /** Every message of an inbox from now on. */
  async function listen(inbox: string): Promise<string[]> {
    const listener = bench().bench.client.duplicate();
    listeners.push(listener);
    const messages: string[] = [];
    listener.on('message', (channel: string, message: string) => messages.push(`${channel}: ${message}`));
    await listener.subscribe(inbox);
    return messages;
  }

  it('G5: gives the lock to the first waiter for its claim, with a new fence, in the same step', async () => {
    const locks = bench();
    const name = locks.name();
    const before = await locks.hold([name], 'ann', { leaseMs: 30_000 });
    await locks.queue(name, 'bob', { claimMs: 1_500 });
    await locks.queue(name, 'cid', { claimMs: 900 });
    expect(await locks.release([name], 'ann')).toBe('released');

    const { f: fence, a: acquiredAt = '', ...state } = await locks.state(name);
    expect(Number(fence)).toBeGreaterThan(before);
    expect(state).toEqual({
      t: 'bob',
      o: 'in:bob',
      x: String(Number(acquiredAt) + 1_500),
      h: '1',
      q: '2',
      'q:2': 'cid',
      'w:cid': expect.stringMatching(/^2 \d+ 900 in:cid$/),
    });
    const keptMs = await locks.bench.client.pttl(locks.keyOf(name));
    expect(keptMs).toBeGreaterThan(DAY_MS);
    expect(keptMs).toBeLessThanOrEqual(DAY_MS + 1_500);
  });

  it('tells the waiter’s inbox token, fence and name, and nobody else anything', async () => {
    const locks = bench();
    const name = `${locks.name()} with spaces: ünï`;
    const messages = await listen('in:bob');
    const others = await listen('in:cid');
    await locks.hold([name], 'ann');
    for (const token of ['bob', 'cid']) await locks.queue(name, token);
    await locks.release([name], 'ann');
    const { f: fence = '' } = await locks.state(name);
    await eventually(() => messages.length > 0, { what: 'the hand-over message' });
    await locks.bench.client.publish('in:cid', 'mark');
    await eventually(() => others.length > 0, { what: 'the mark' });
    expect(messages).toEqual([`in:bob: bob ${fence} ${name}`]);
    expect(others).toEqual(['in:cid: mark']);
  });

  it('of several names tells the name that was freed', async () => {
    const locks = bench();
    const names = [locks.name(), locks.name(), locks.name()];
    const messages = await listen('in:dan');
    await locks.hold(names, 'ann');
    await locks.queue(names[2]!, 'dan');
    await locks.release(names, 'ann');
    const { f: fence } = await locks.state(names[2]!);
    await eventually(() => messages.length > 0, { what: 'the hand-over message' });
    expect(messages).toEqual([`in:dan: dan ${fence} ${names[2]}`]);
  });

  it('G6: a user who may not publish still hands the lock over', async () => {
    const locks = bench();
    const { client } = locks.bench;
    const name = locks.name();
    await client.acl('SETUSER', 'mute', 'on', 'nopass', '~*', '+@all', 'resetchannels');
    await locks.hold([name], 'ann');
    await locks.queue(name, 'bob');
    const mute = client.duplicate({ username: 'mute', password: 'any' });
    listeners.push(mute);
    expect(await locks.bench.run('lock-release', [locks.keyOf(name)], ['ann', 0, name], mute)).toBe('released');
    expect(await locks.owner(name)).toBe('bob');
  });
});

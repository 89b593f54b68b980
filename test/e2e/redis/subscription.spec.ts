import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { asking, provesItself, useStores, type TestStore } from './stores.js';

describe('the subscription of a Redis store', () => {
  const stores = useStores();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterAll(() => server.stop());

  /** A store that counts its gaps and writes down what is handed to it. */
  async function listening(options = {}): Promise<TestStore & { handed: string[]; gaps: () => number }> {
    const test = await stores.start({ ...storeOptions(server), retryStrategy: () => 10, ...options });
    const handed: string[] = [];
    let gaps = 0;
    test.store.onHandover(({ token, name, fence }) => handed.push(`${token} ${name} ${fence}`));
    test.store.onHandoverGap(() => (gaps += 1));
    return { ...test, handed, gaps: () => gaps };
  }

  async function handOver({ store }: TestStore, name: string): Promise<string> {
    await store.acquireLocks(asking([name], 'ann'));
    await store.acquireLocks(asking([name], 'bob', { queueMs: 10_000 }));
    await store.releaseLocks({ names: [name], token: 'ann' });
    return `bob ${name} ${(await store.inspectLock(name))?.fence}`;
  }

  const killSubscribers = async (): Promise<unknown> => stores.client(server).call('CLIENT', 'KILL', 'TYPE', 'pubsub');

  it('G5: tells a waiter’s process, and no other, of token, name and fence', async () => {
    const [mine, other] = [await listening(), await listening()];
    const expected = await handOver(mine, 'seat');
    const mark = await handOver(other, 'mark');
    await eventually(() => mine.handed.length + other.handed.length === 2, { what: 'both hand-overs' });
    expect([mine.handed, other.handed]).toEqual([[expected], [mark]]);
    expect(mine.gaps()).toBe(0);
  });

  it('G6: that was cut comes back, tells of the gap once, and carries messages again', async () => {
    const test = await listening();
    for (let cut = 1; cut <= 3; cut += 1) {
      await killSubscribers();
      await eventually(() => test.gaps() === cut, { what: `gap ${cut}` });
      const expected = await handOver(test, `seat-${cut}`);
      await eventually(() => test.handed.includes(expected), { what: 'the hand-over after the gap' });
    }
    expect(test.gaps()).toBe(3);
    expect(test.handed).toHaveLength(3);
  });

  it('G6: tells of the gap only when it listens again, so that nothing can be missed after it', async () => {
    const test = await listening();
    const client = stores.client(server);
    const atGap = new Promise<unknown>((resolve) => {
      test.store.onHandoverGap(() => resolve(client.pubsub('CHANNELS', `${test.namespace}:in:*`)));
    });
    await killSubscribers();
    expect(await atGap).toHaveLength(1);
  });

  it('G40: that the server refuses to renew is reported, and neither ends the process nor the store', async () => {
    const client = stores.client(server);
    await client.acl('SETUSER', 'listener', 'on', '>pw', '~*', '&*', '+@all');
    const test = await listening({ username: 'listener', password: 'pw' });
    await client.acl('SETUSER', 'listener', '-subscribe');
    await killSubscribers();
    await eventually(() => test.reports.some(({ during }) => during === 'lock hand-over'), { what: 'the report' });
    expect(String(test.reports.at(-1)?.error)).toContain('NOPERM');
    expect(test.gaps()).toBe(0);
    await provesItself(test.store);
  });

  it('ends with the store: a listener of before hears nothing of a message that comes later', async () => {
    const test = await listening();
    const client = stores.client(server);
    await test.store.stop();
    await eventually(async () => {
      expect(await client.pubsub('CHANNELS', `${test.namespace}:in:*`)).toEqual([]);
    });
    expect(test.reports).toEqual([]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { traceCommands } from '../../support/counting/command-trace.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import type { CommitOperation } from '../../../src/store/entry-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { asking, committing, everyOperation, LONG_MS, put, useStores } from './stores.js';
import { countTurns, type TurnCounter } from '../../support/counting/turn-counter.js';

describe('the round trips of a Redis store', () => {
  const stores = useStores();
  let server: RedisServer;
  let turns: TurnCounter;
  let store: CacheTxnStore;
  let client: Redis;

  beforeAll(async () => {
    server = await startRedisServer();
    turns = await countTurns(server.port);
  });

  afterAll(async () => {
    await turns.close();
    await server.stop();
  });

  beforeEach(async () => {
    ({ store } = await stores.start({ ...storeOptions(server), port: turns.port }));
    client = stores.client(server);
    // The first call of each script sends its source.
    for (const operation of Object.values(everyOperation(store, 'warm-up'))) await operation();
    await store.renewLocks([{ name: 'warm-up', token: 'nobody', leaseMs: LONG_MS }]);
  });

  /** The commands that crossed the wire, and the turns they took. */
  async function cost(operation: () => Promise<unknown>): Promise<{ commands: string[]; turns: number }> {
    const traced = await traceCommands(client);
    turns.take();
    await operation();
    const taken = turns.take();
    return { commands: (await traced()).map(([name]) => name), turns: taken };
  }

  const oneScript = { commands: ['EVALSHA'], turns: 1 };
  const names = (count: number, prefix: string): string[] =>
    Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

  it.each([1, 5, 128])(
    'acquire 1, queue 1, hand over 1 and release 1, fence and queue included, for %i names',
    async (count) => {
      const wanted = names(count, `of-${count}`);
      expect(await cost(() => store.acquireLocks(asking(wanted, 'ann')))).toEqual(oneScript);
      expect(await cost(() => store.acquireLocks(asking(wanted, 'bob', { queueMs: LONG_MS })))).toEqual(oneScript);
      expect(await cost(() => store.releaseLocks({ names: wanted, token: 'ann' }))).toEqual(oneScript);
      expect(await cost(() => store.acquireLocks(asking(wanted, 'bob', { queueMs: LONG_MS })))).toEqual(oneScript);
      expect(await cost(() => store.releaseLocks({ names: wanted, token: 'bob' }))).toEqual(oneScript);
      expect(await store.inspectLock(wanted[count - 1]!)).toBeNull();
    },
  );

  it.each([1, 50])('G19: commit 1 for %i keys and their locks, and 1 to ask for its outcome', async (count) => {
    const keys = names(count, `key-of-${count}`);
    const guards = keys.map((name) => ({ name, token: 'ann' }));
    await store.acquireLocks(asking(keys, 'ann'));
    const request = committing(
      keys.map((key) => put(key, 'value')),
      { guards },
    );
    expect(await cost(() => store.commit(request))).toEqual(oneScript);
    expect(await cost(() => store.resolveCommit(request))).toEqual(oneScript);
    expect((await store.readEntries(keys)).every((entry) => entry?.value === 'value')).toBe(true);
  });

  it('G19: validate 100 keys that were only read: 1', async () => {
    const keys = names(100, 'read');
    const checks = keys.map((key): CommitOperation => ({
      kind: 'check',
      key,
      expected: { kind: 'version', version: 0 },
    }));
    expect(await cost(() => store.commit(committing(checks, { outcomeTtlMs: 0 })))).toEqual(oneScript);
  });

  it('read 1 key: 1, without a script', async () => {
    expect(await cost(() => store.readEntries(['key']))).toEqual({ commands: ['HMGET'], turns: 1 });
  });

  it('read 100 keys: 1', async () => {
    const keys = names(100, 'many');
    await store.commit(committing(keys.map((key) => put(key, key))));
    const { commands, turns: taken } = await cost(() => store.readEntries(keys));
    expect(commands).toEqual(keys.map(() => 'HMGET'));
    expect(taken).toBe(1);
    expect((await store.readEntries(keys)).map((entry) => entry?.value)).toEqual(keys);
  });

  it('G8: renew 1,000 names: 10 calls, sent together', async () => {
    const held = names(1_000, 'held');
    for (let from = 0; from < held.length; from += 100) {
      await store.acquireLocks(asking(held.slice(from, from + 100), 'ann'));
    }
    const requests = held.map((name) => ({ name, token: 'ann', leaseMs: LONG_MS }));
    const { commands, turns: taken } = await cost(async () => {
      expect(await store.renewLocks(requests)).toEqual(held.map(() => 'held'));
    });
    expect(commands).toEqual(Array(10).fill('EVALSHA'));
    expect(taken).toBeLessThanOrEqual(10);
  });

  it('a script that the server has forgotten costs one more', async () => {
    await client.script('FLUSH');
    expect(await cost(() => store.acquireLocks(asking(['forgotten'], 'ann')))).toEqual({
      commands: ['EVALSHA', 'EVAL'],
      turns: 2,
    });
  });
});

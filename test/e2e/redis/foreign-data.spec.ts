import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { asking, committing, LONG_MS, provesItself, put, useStores, type TestStore } from './stores.js';

describe('keys that something else wrote', () => {
  const stores = useStores();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer();
  });

  afterAll(() => server.stop());

  async function open(): Promise<TestStore & { client: Redis }> {
    return { ...(await stores.start(storeOptions(server))), client: stores.client(server) };
  }

  const refused = { code: 'STORE_REPLY', retryable: false };

  it('G8, G41: a lock that is no hash is lost for its holder, and the locks renewed beside it are not', async () => {
    const { store, client, namespace } = await open();
    await store.acquireLocks(asking(['good'], 'ann'));
    await client.set(`${namespace}:l:bad`, 'foreign');
    const requests = ['bad', 'good'].map((name) => ({ name, token: 'ann', leaseMs: LONG_MS }));
    await expect(store.renewLocks(requests)).resolves.toEqual(['lost', 'held']);
  });

  it('G41: a lock that is no hash is refused by every operation but a renewal, and stays as it was', async () => {
    const { store, namespace, client } = await open();
    await client.set(`${namespace}:l:bad`, 'foreign');
    for (const operation of [
      () => store.acquireLocks(asking(['good', 'bad'], 'ann')),
      () => store.releaseLocks({ names: ['bad'], token: 'ann' }),
      () => store.forceReleaseLock('bad'),
      () => store.inspectLock('bad'),
      () => store.commit(committing([put('key', 'value')], { guards: [{ name: 'bad', token: 'ann' }] })),
    ]) {
      await expect(operation()).rejects.toMatchObject(refused);
    }
    expect(await client.get(`${namespace}:l:bad`)).toBe('foreign');
    expect(await client.exists(`${namespace}:l:good`, `${namespace}:e:key`)).toBe(0);
    await provesItself(store);
  });

  it('G41: a lock whose fence or time nobody of ours wrote is refused, not held', async () => {
    const { store, namespace, client } = await open();
    for (const fields of [
      { f: 'x' },
      { t: 'ann', x: 'soon', f: '1' },
      { t: 'ann', o: '', a: 'x', x: '9999999999999', f: '1' },
    ]) {
      const name = `bad-${JSON.stringify(fields).length}`;
      await client.hset(`${namespace}:l:${name}`, fields);
      const call = 'a' in fields ? store.inspectLock(name) : store.acquireLocks(asking([name], 'ann'));
      await expect(call).rejects.toMatchObject(refused);
    }
  });

  it('G41: an entry that is no hash is refused, alone and among others, and never written', async () => {
    const { store, namespace, client } = await open();
    await client.rpush(`${namespace}:e:bad`, 'foreign');
    for (const operation of [
      () => store.readEntries(['bad']),
      () => store.readEntries(['good', 'bad', 'other']),
      () => store.commit(committing([put('good', 'value'), put('bad', 'value')])),
    ]) {
      await expect(operation()).rejects.toMatchObject(refused);
    }
    expect(await client.lrange(`${namespace}:e:bad`, 0, -1)).toEqual(['foreign']);
    expect(await store.readEntries(['good'])).toEqual([undefined]);
  });

  it.each(['three', '-1', '1.5', '12345678901234567', ''])(
    'G14, G41: an entry with the version %j is refused by reads and commits, and nothing is torn',
    async (version) => {
      const { store, namespace, client } = await open();
      await client.hset(`${namespace}:e:bad`, { v: 'value', ver: version });
      await expect(store.readEntries(['bad'])).rejects.toMatchObject(refused);
      const commit = store.commit(
        committing([put('good', 'value'), { kind: 'check', key: 'bad', expected: { kind: 'exists' } }]),
      );
      await expect(commit).rejects.toMatchObject(refused);
      expect(await store.readEntries(['good'])).toEqual([undefined]);
    },
  );

  it('G41: an outcome record that nobody of ours wrote is no outcome', async () => {
    const { store, namespace, client } = await open();
    const request = committing([put('key', 'value')], { txnId: 'txn-of-ours' });
    for (const record of ['yes', '', '-']) {
      await client.set(`${namespace}:d:{${namespace}:e:key}:txn-of-ours`, record);
      await expect(store.commit(request)).rejects.toMatchObject(refused);
      await expect(store.resolveCommit(request)).rejects.toMatchObject(refused);
    }
    expect(await store.readEntries(['key'])).toEqual([undefined]);
  });

  it('a message in the inbox that is no hand-over is reported, without its content', async () => {
    const { store, namespace, client, reports } = await open();
    const handed: unknown[] = [];
    store.onHandover((handover) => handed.push(handover));
    const [inbox = ''] = (await client.pubsub('CHANNELS', `${namespace}:in:*`)) as string[];
    for (const message of ['SECRET', 'SECRET 1', 'token fence name', '']) await client.publish(inbox, message);
    await client.publish(inbox, 'token 7 name');
    await eventually(() => handed.length > 0, { what: 'the one hand-over' });
    expect(handed).toEqual([{ token: 'token', fence: 7, name: 'name' }]);
    expect(reports.map(({ during }) => during)).toEqual(Array(4).fill('lock hand-over'));
    expect(reports.map(({ error }) => String(error)).join()).not.toContain('SECRET');
  });

  it('G14: an entry with a prepared write shows what is committed beside it, and a commit names the write', async () => {
    const { store, namespace, client } = await open();
    await store.commit(committing([put('free', 'value'), put('prepared', 'committed')]));
    await client.hset(`${namespace}:e:prepared`, {
      i: 'other-txn 9 put 8 0 7 ["the decider","prepared"]',
      iv: 'staged',
    });
    const intent = { txnId: 'other-txn', decider: 'the decider', anchor: 'prepared', deadlineMs: 9, expiresAtMs: 7 };
    const [prepared, free] = await store.readEntries(['prepared', 'free']);
    expect([prepared?.value, prepared?.intent, free?.value, free?.intent]).toEqual([
      'committed',
      intent,
      'value',
      undefined,
    ]);
    const commit = await store.commit(committing([put('free', 'changed'), put('prepared', 'changed')]));
    expect(commit).toEqual({ kind: 'intent', key: 'prepared', intent });
    expect((await store.readEntries(['free']))[0]?.value).toBe('value');
  });

  it('a prepared write that no transaction wrote is an error', async () => {
    const { store, namespace, client } = await open();
    for (const foreign of [
      '',
      'yes',
      'txn put 1',
      'txn 1 put 1 0 -5 key',
      'txn 1 put 1 0 99999999999999999 ["key","key"]',
      'txn 1 put 1 0 0 ["\\x","key"]',
    ]) {
      await client.hset(`${namespace}:e:foreign`, { v: '1', ver: '1', i: foreign });
      await expect(store.readEntries(['foreign'])).rejects.toMatchObject(refused);
    }
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { MarkerReplay } from '../../../src/commit/recovery/marker-replay.js';
import type { RedisStoreSettings } from '../../../src/redis/redis-store.options.js';
import { traceCommands } from '../../support/counting/command-trace.js';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { startReplicatedServer, type ReplicatedServer } from '../../support/servers/replicated-server.js';
import { committing, put, useStores, type TestStore } from './stores.js';
import { startSwitch } from './switch.js';
import { countTurns, type TurnCounter } from '../../support/counting/turn-counter.js';

const ALL = { replicas: 'all', replicaTimeout: '500ms' } as const;
const IN_TIME = { replicas: 'all', replicaTimeout: '5s' } as const;

describe("a Redis store with replicas: 'all'", () => {
  const stores = useStores();
  let servers: ReplicatedServer;
  let turns: TurnCounter;
  let client: Redis;

  beforeAll(async () => {
    servers = await startReplicatedServer(2);
    turns = await countTurns(servers.master.port);
  }, 20_000);

  afterAll(async () => {
    await turns.close();
    await servers.stop();
  });

  beforeEach(() => {
    client = stores.client(servers.master);
  });

  function start(settings: RedisStoreSettings): Promise<TestStore> {
    return stores.start({ ...storeOptions(servers.master), port: turns.port, ...settings });
  }

  /** The commands that crossed the wire, and the turns they took. */
  async function cost(operation: () => Promise<unknown>): Promise<{ commands: string[]; turns: number }> {
    const traced = await traceCommands(client);
    turns.take();
    await operation();
    const taken = turns.take();
    const commands = (await traced()).map(([name]) => name.toUpperCase());
    return { commands, turns: taken };
  }

  it('G43: answers a commit when every replica has it: the next one may be the master', async () => {
    const { store, namespace, warnings } = await start(IN_TIME);
    expect(warnings).toEqual([]);
    const copies = servers.replicas.map((replica) => stores.client(replica));
    for (let i = 0; i < 20; i += 1) {
      await store.commit(committing([put(`seat-${i}`, 'ann')]));
      // Asked after the answer, and without waiting for anything.
      expect(await Promise.all(copies.map((copy) => copy.hget(`${namespace}:e:seat-${i}`, 'v')))).toEqual([
        'ann',
        'ann',
      ]);
    }
  });

  it('G43: takes one round trip more for a commit, and none for what writes nothing', async () => {
    const { store } = await start(IN_TIME);
    await store.commit(committing([put('warm-up', 'value')]));
    expect(await cost(() => store.commit(committing([put('a', 'b')])))).toEqual({
      commands: ['EVALSHA', 'SET', 'GET', 'INFO', 'WAIT'],
      turns: 2,
    });
    const check = { kind: 'check', key: 'absent', expected: { kind: 'version', version: 0 } } as const;
    expect(await cost(() => store.commit(committing([check])))).toEqual({ commands: ['EVALSHA'], turns: 1 });
    expect(await cost(() => store.readEntries(['a']))).toEqual({ commands: ['HMGET'], turns: 1 });
  });

  it('G43: lets commits that come together share a question', async () => {
    const { store } = await start(IN_TIME);
    await store.commit(committing([put('warm-up', 'value')]));
    const { commands } = await cost(() =>
      Promise.all(Array.from({ length: 50 }, (_, i) => store.commit(committing([put(`many-${i}`, 'value')])))),
    );
    const count = (name: string): number => commands.filter((command) => command === name).length;
    expect([count('EVALSHA'), count('GET')]).toEqual([50, 50]);
    expect(count('WAIT')).toBeLessThanOrEqual(10);
  });

  it('G43: says that a replica has not acknowledged a commit, which is visible, and asks for it no longer than replicaTimeout', async () => {
    const [, frozen] = servers.replicas;
    const { store, namespace } = await start(ALL);
    const { store: careless } = await stores.start(storeOptions(servers.master), namespace);
    const request = committing([put('frozen', 'value')]);
    frozen!.pause();
    try {
      await expect(store.commit(request)).rejects.toMatchObject({
        name: 'ReplicasBehindError',
        message: expect.stringContaining('within 500 ms: 1 of 2 replicas acknowledged it'),
      });
      expect((await careless.readEntries(['frozen']))[0]?.value).toBe('value');
      expect(await careless.commit(committing([put('other', 'value')]))).toMatchObject({ kind: 'committed' });
      await expect(store.resolveCommit(request)).rejects.toMatchObject({ name: 'ReplicasBehindError' });
    } finally {
      frozen!.resume();
    }
    const resolved = async (): Promise<boolean> => (await store.resolveCommit(request)).kind === 'committed';
    await eventually(resolved, { what: 'the replica to have caught up' });
  });

  it('G43: does not forget a replica that has gone, also on a new connection', async () => {
    const { store } = await start(ALL);
    const [, gone] = servers.replicas;
    gone!.pause();
    try {
      await client.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await servers.inStep(1);
      await expect(store.commit(committing([put('gone', 'value')]))).rejects.toThrow('1 of 2 replicas');
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      const short = async (): Promise<boolean> => {
        const error: unknown = await store
          .commit(committing([put('gone', 'value')]))
          .catch((thrown: unknown) => thrown);
        return error instanceof Error && error.message.includes('1 of 2 replicas');
      };
      await eventually(short, { what: 'the store to count two again' });
    } finally {
      gone!.resume();
    }
    await servers.inStep(2);
    await eventually(() => store.commit(committing([put('back', 'value')])), { what: 'both to acknowledge' });
  });

  it('G43: waits for a replica that came later, without being told', async () => {
    const args = ['--repl-diskless-sync-delay', '0'];
    const lonely = await startRedisServer({ args, needs: ['replicas'] });
    const { store, warnings } = await stores.start({ ...storeOptions(lonely), ...ALL });
    expect(warnings).toEqual([expect.stringMatching(/the Redis master has no replica/)]);
    await store.commit(committing([put('alone', 'value')]));
    const late = await startRedisServer({ args: [...args, '--replicaof', `${lonely.host} ${lonely.port}`] });
    const looker = stores.client(lonely);
    await eventually(async () => (await looker.info('replication')).includes('state=online'), { what: 'the replica' });
    // In step, it may still take a moment to say so.
    await eventually(() => store.commit(committing([put('seen', 'value')])), { what: 'its acknowledgement' });
    late.pause();
    await expect(store.commit(committing([put('short', 'value')]))).rejects.toThrow('0 of 1 replicas');
    await Promise.all([late.stop(), lonely.stop()]);
  });

  it('G43: is not satisfied with what another master says, as there may be two after a failover', async () => {
    const other = await startRedisServer({ needs: ['replicas'] });
    const way = await startSwitch(servers.master.port);
    try {
      const { store } = await stores.start({ ...storeOptions(servers.master), port: way.port, ...ALL });
      await store.commit(committing([put('before', 'value')]));
      way.lead(other.port);
      // Only the connection that waits: commits go where they went before.
      const waiting = /^id=(\d+) .*cmd=wait/m.exec(String(await client.client('LIST')));
      await client.client('KILL', 'ID', Number(waiting![1]));
      const short = async (): Promise<unknown> =>
        store.commit(committing([put('elsewhere', 'value')])).catch((error: unknown) => String(error));
      expect(await short()).toContain('the present master does not have it');
      way.lead(servers.master.port);
      expect(await short()).toMatchObject({ kind: 'committed' });
    } finally {
      await way.close();
      await other.stop();
    }
  });

  it('G45: lets a replay end, which notes the servers in an entry', async () => {
    const { store } = await start(IN_TIME);
    const recent = { transactions: [], nowUs: 1n, endedBefore: 10n, nextBegin: 10n };
    const replay = new MarkerReplay(store, { recentlyCommitted: () => Promise.resolve(recent) });
    await replay.replayIfChanged();
    expect((await store.readEntries(['nestjs-cache-txn/servers']))[0]?.value).toBe(await store.identity());
    // Nothing is left of it: the servers are known.
    expect((await cost(() => replay.replayIfChanged())).commands).toEqual(['INFO']);
  });

  it('stops the boot when its user may not wait', async () => {
    const admin = stores.client(servers.master);
    await admin.call('ACL', 'SETUSER', 'hasty', 'on', '>secret', '~*', '&*', '+@all', '-wait');
    const { started } = stores.begin({
      ...storeOptions(servers.master),
      username: 'hasty',
      password: 'secret',
      ...ALL,
    });
    await expect(started).rejects.toMatchObject({ code: 'INVALID_OPTIONS', details: { option: 'replicas' } });
  });
});

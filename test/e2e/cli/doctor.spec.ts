import { afterAll, describe, expect, it } from '@jest/globals';
import { addressList, type CommandRun, command, libraryCommand } from '../../support/processes/command-run.js';
import { DOCUMENTED_PASSWORD, documentedUser } from '../../support/servers/documented-user.js';
import { eventually } from '../../support/eventually.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisCluster } from '../../support/servers/redis-cluster.js';
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../../support/servers/redis-server.js';
import { startSentinelGroup } from '../../support/servers/sentinel-group.js';

const program = libraryCommand();
const started: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  program.stop();
  await Promise.all(started.map((each) => each.stop()));
});

async function server(options: RedisServerOptions = {}): Promise<RedisServer> {
  const one = await startRedisServer(options);
  started.push(one);
  return one;
}

function examine(one: RedisServer, ...args: readonly string[]): Promise<CommandRun> {
  const { tls } = storeOptions(one);
  return program.run('doctor', '--url', `${tls ? 'rediss' : 'redis'}://${addressList([one])}`, ...args);
}

/** The level of each thing that was looked at; of several, the first. */
function levels({ out }: CommandRun): Record<string, string> {
  const found = out.map((line) => line.split(/ {2,}/)).reverse();
  return Object.fromEntries(found.map(([level = '', , what = '']) => [what, level]));
}

const lineOf = ({ out }: CommandRun, what: string): string | undefined =>
  out.find((line) => line.split(/ {2,}/)[2] === what);

describe('doctor', () => {
  it('finds nothing wrong with a server as it should be, and leaves nothing behind', async () => {
    const one = await server({ args: ['--appendonly', 'yes'] });
    const run = await examine(one);
    expect([run.code, run.err]).toEqual([0, []]);
    expect(levels(run)).toEqual({
      ...{ version: 'ok', eviction: 'ok', memory: 'ok', persistence: 'ok', replica: 'ok' },
      ...{ permissions: 'ok', scripts: 'ok', messages: 'ok' },
    });
    const client = observer(one);
    expect(await client.dbsize()).toBe(0);
    await eventually(async () => !String(await client.client('LIST')).includes('cmd=subscribe'));
    client.disconnect();
  });

  it('explains what eviction, a full memory and a restart would cost', async () => {
    const full = ['--maxmemory', '1kb', '--maxmemory-policy', 'allkeys-lru'];
    const run = await examine(await server({ args: full }));
    expect(run.code).toBe(1);
    expect(levels(run)).toMatchObject({ eviction: 'wrong', memory: 'wrong', persistence: 'warn' });
    expect(lineOf(run, 'eviction')).toMatch(/may evict locks: .*allkeys-lru.*Set maxmemory-policy noeviction/);
    const idle = await examine(await server({ args: ['--maxmemory-policy', 'allkeys-lru'] }));
    expect([idle.code, levels(idle)['eviction']]).toEqual([0, 'warn']);
  });

  it('says that a server refuses writes, and why', async () => {
    const run = await examine(await server({ args: ['--min-replicas-to-write', '1'] }));
    expect(run.code).toBe(1);
    expect(lineOf(run, 'writes')).toMatch(/^wrong .*NOREPLICAS/);
  });

  it('names every permission that the user lacks, and how to grant it', async () => {
    const one = await server({ access: 'plain' });
    const client = observer(one);
    const [name = '', ...rules] = documentedUser({ namespace: 'shop' });
    const asUser = (namespace: string) =>
      command(['doctor', '--url', `redis://${addressList([one])}`, '--username', name, '--namespace', namespace], {
        env: { REDIS_PASSWORD: DOCUMENTED_PASSWORD },
      });
    await client.call('ACL', 'SETUSER', name, ...rules);
    expect(levels(await asUser('shop'))['permissions']).toBe('ok');
    await client.call('ACL', 'SETUSER', name, '-hset', '-hsetnx', '-subscribe', '-eval', '-unlink');
    const poor = await asUser('shop');
    expect([poor.code, poor.err]).toEqual([1, []]);
    expect(lineOf(poor, 'permissions')).toMatch(/ACL SETUSER <user> \+eval \+hset \+hsetnx \+unlink \+subscribe$/);
    await client.call('ACL', 'SETUSER', name, ...rules);
    const elsewhere = await asUser('bank');
    expect(lineOf(elsewhere, 'permissions')).toMatch(/may not touch the keys bank:\*.* ~bank:\* &bank:in:\*$/);
    await client.call('ACL', 'SETUSER', name, '-info');
    const blind = await asUser('shop');
    expect([blind.code, levels(blind)['version']]).toEqual([1, 'wrong']);
    expect(lineOf(blind, 'permissions')).toMatch(/\+info$/);
    client.disconnect();
  });

  it('G42: tells a server that does not answer or does not let it in, and no password', async () => {
    const one = await server({ access: 'plain' });
    const client = observer(one);
    await client.config('SET', 'requirepass', 'right');
    client.disconnect();
    const wrong = await command(['doctor', '--url', `redis://:hunter2@${addressList([one])}`]);
    expect([wrong.code, wrong.out]).toEqual([
      1,
      [expect.stringMatching(/^wrong .* does not answer: WRONGPASS.* What to do: check user and password;/)],
    ]);
    await one.stop();
    const gone = await command(['doctor', '--url', `redis://:hunter2@${addressList([one])}`]);
    expect([gone.code, gone.out]).toEqual([1, [expect.stringMatching(/^wrong .* does not answer: .*ECONNREFUSED/)]]);
    expect(JSON.stringify([wrong, gone])).not.toContain('hunter2');
  });

  it('sees every master of a cluster, a slot without one, and the clocks', async () => {
    const cluster = await startRedisCluster();
    started.push(cluster);
    const look = () => program.run('doctor', '--cluster', addressList(cluster.nodes));
    const whole = await look();
    expect([whole.code, whole.err]).toEqual([0, []]);
    expect(whole.out.filter((line) => / version /.test(line))).toHaveLength(3);
    expect(levels(whole)).toMatchObject({
      state: 'ok',
      skew: 'ok',
      replica: 'warn',
      permissions: 'ok',
      messages: 'ok',
    });
    const node = await examine(cluster.masters[0]!);
    expect([node.code, lineOf(node, 'mode')]).toEqual([1, expect.stringMatching(/Give its nodes with --cluster/)]);
    const [first] = cluster.masters.map((master) => observer(master));
    await first!.cluster('DELSLOTSRANGE', 0, 9);
    for (const master of cluster.masters.slice(1)) {
      const other = observer(master);
      await other.cluster('DELSLOTSRANGE', 0, 9);
      other.disconnect();
    }
    first!.disconnect();
    const torn = await look();
    expect([torn.code, lineOf(torn, 'slots')]).toEqual([1, expect.stringMatching(/^wrong .*10 slots .*\(0-9\)/)]);
  });

  it('asks sentinels for the master, and sees its replica', async () => {
    const group = await startSentinelGroup();
    started.push(group);
    const run = await program.run('doctor', '--sentinel', addressList([group.sentinel]), '--sentinel-name', group.name);
    expect([run.code, run.err]).toEqual([0, []]);
    expect(levels(run)).toMatchObject({ version: 'ok', replica: 'ok', 'min-replicas-to-write': 'warn' });
    const replica = await examine(group.replica);
    expect([replica.code, levels(replica)['role']]).toEqual([1, 'wrong']);
  });
});

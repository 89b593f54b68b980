import { describe, expect, it } from '@jest/globals';
import { clockFindings, clusterFindings } from '../../../../src/cli/doctor/group-findings.js';
import { serverFindings } from '../../../../src/cli/doctor/server-findings.js';
import { clusterOf } from '../../../../src/redis/survey/cluster-survey.js';
import { PROBES, refusalOf } from '../../../../src/redis/survey/permission-probe.js';
import type { ServerSurvey } from '../../../../src/redis/survey/server-survey.js';
import { documentedUser } from '../../../support/servers/documented-user.js';

const HEALTHY = {
  redis_version: '7.2.4',
  role: 'master',
  maxmemory: '0',
  maxmemory_policy: 'noeviction',
  used_memory: '1048576',
  aof_enabled: '1',
  connected_slaves: '0',
};

function survey(
  info: Readonly<Record<string, string>> = {},
  config: Readonly<Record<string, string>> = {},
  changes: Partial<ServerSurvey> = {},
): ServerSurvey {
  return {
    address: 'a:1',
    info: new Map(Object.entries({ ...HEALTHY, ...info })),
    config: new Map(Object.entries(config)),
    ...{ refusals: [], scriptFailure: undefined, writeFailure: undefined, messageFailure: undefined },
    clock: undefined,
    ...changes,
  };
}

/** What there is to say about one thing of a server, level first. */
function said(what: string, server: ServerSurvey, isCluster = false): string[] {
  const findings = serverFindings(server, 'shop', isCluster).filter((finding) => finding.what === what);
  return findings.map(({ level, text }) => `${level}: ${text}`);
}

describe('the doctor on one server', () => {
  it('has only good to say of one as it should be', () => {
    expect(serverFindings(survey(), 'shop', false).filter(({ level }) => level !== 'ok')).toEqual([]);
  });

  it.each([
    ['version', { redis_version: '6.2.6' }, /^wrong: Redis 6.2.6 is too old/],
    ['version', { valkey_version: '8.0.1', redis_version: '7.2.4' }, /^ok: Valkey 8.0.1/],
    ['mode', { cluster_enabled: '1' }, /^wrong: .*--cluster/],
    ['role', { role: 'slave' }, /^wrong: it is a replica/],
    ['loading', { loading: '1' }, /^wrong: .*loading/],
    ['eviction', { maxmemory: '100', maxmemory_policy: 'volatile-lru', evicted_keys: '7' }, /^wrong: .*evicted 7 keys/],
    ['memory', { maxmemory: '1100000' }, /^warn: 1.0 MiB of 1.0 MiB/],
    ['memory', { maxmemory: '1000' }, /^wrong: /],
    ['persistence', { aof_last_write_status: 'err' }, /^wrong: .*append-only/],
    ['persistence', { aof_enabled: '0' }, /^warn: .*\+config\|get/],
  ] as const)('says about %s of %j what it costs and what to do', (what, info, text) => {
    expect(said(what, survey(info))).toEqual([expect.stringMatching(text)]);
  });

  it.each([
    ['allkeys-lru', /Entries and tags are evicted too\. .*all that carries it; near copies live on to near\.ttl/],
    ['volatile-ttl', /Entries with a ttl and tags .* ttl 0 never: .*writes are refused\. .*near copies/],
  ] as const)('says what %s does to entries, tags and near copies', (maxmemory_policy, text) => {
    expect(said('eviction', survey({ maxmemory: '100', maxmemory_policy }))).toEqual([expect.stringMatching(text)]);
  });

  it.each([
    ['', 'ok', /^warn: it keeps nothing on disk: a restart is empty/],
    ['3600 1', 'ok', /^warn: it keeps snapshots only/],
    ['3600 1', 'err', /^wrong: the last snapshot failed/],
  ] as const)('tells snapshots %j that ended %s from an append-only file', (save, rdb_last_bgsave_status, text) => {
    const server = survey({ aof_enabled: '0', rdb_last_bgsave_status }, { save });
    expect(said('persistence', server)).toEqual([expect.stringMatching(text)]);
  });

  it('says which replica does not follow, how far behind each is, and what an old master may do', () => {
    const replicas = {
      connected_slaves: '2',
      master_repl_offset: '1000',
      slave0: 'ip=10.0.0.1,port=6379,state=online,offset=990,lag=1',
      slave1: 'ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0',
    };
    expect(said('replica', survey(replicas))).toEqual([
      'ok: 10.0.0.1:6379 is connected, 10 bytes and 1 s behind',
      expect.stringMatching(/^warn: 10.0.0.2:6379 is wait_bgsave, 1000 bytes/),
    ]);
    const needs = (count: string) =>
      said('min-replicas-to-write', survey(replicas, { 'min-replicas-to-write': count }));
    expect(needs('0')).toEqual([expect.stringMatching(/^warn: /)]);
    expect(needs('1')).toEqual([expect.stringMatching(/^ok: /)]);
    expect(needs('2')).toEqual([expect.stringMatching(/^wrong: it is 2, and 1 replicas follow/)]);
    // Without the permission to see it, INFO says that it is set.
    expect(said('min-replicas-to-write', survey({ ...replicas, min_slaves_good_slaves: '1' }))).toEqual([]);
    expect(said('replica', survey(), true)).toEqual([expect.stringMatching(/^warn: .*its slots are not served/)]);
  });

  it.each([
    [{ scriptFailure: 'BUSY' }, 'scripts', /^wrong: Lua scripts do not run: BUSY/],
    [{ writeFailure: 'READONLY' }, 'writes', /^wrong: it refuses writes: READONLY/],
    [{ messageFailure: 'late' }, 'messages', /^wrong: a published message does not arrive: late/],
  ] as const)('says that %j', (changes, what, text) => {
    expect(said(what, survey({}, {}, changes))).toEqual([expect.stringMatching(text)]);
  });
});

describe('the permissions that the doctor tries', () => {
  it('are those of docs/operations.md, and no other', () => {
    const documented = documentedUser({ namespace: 'shop' }).filter((rule) => /^\+/.test(rule));
    const tried = [...Object.keys(PROBES), 'subscribe'].map((command) => `+${command}`);
    expect(tried.sort()).toEqual(documented.sort());
  });

  it.each([
    ["NOPERM this user has no permissions to run the 'hset' command or its subcommand", 'command'],
    ["NOPERM User shop has no permissions to run the 'hset' command", 'command'],
    ['NOPERM this user has no permissions to access one of the keys used as arguments', 'keys'],
    ['NOPERM No permissions to access a key', 'keys'],
    ['NOPERM No permissions to access a channel', 'channels'],
    ['ERR value is not an integer or out of range', undefined],
  ])('are told from other failures: %s', (failure, what) => {
    expect(refusalOf('hset', failure)?.what).toBe(what);
  });
});

describe('the doctor on a cluster', () => {
  const node = (port: number): [string, number] => ['', port];

  it('names the slots that nobody serves', () => {
    const slots = [
      [1, 5_000, node(1)],
      [5_002, 16_383, node(2)],
    ];
    const cluster = clusterOf(new Map([['cluster_state', 'fail']]), slots, { host: 'seed', port: 1 });
    expect(cluster.masters).toEqual([
      { host: 'seed', port: 1 },
      { host: 'seed', port: 2 },
    ]);
    expect(clusterFindings(cluster)).toMatchObject([
      { level: 'wrong', what: 'slots', text: expect.stringMatching(/^2 slots have no master \(0, 5001\)/) },
      { level: 'wrong', what: 'state' },
    ]);
  });

  it.each([
    [400, 1, 'ok'],
    [600, 1, 'warn'],
    // The answers took too long to say.
    [600, 200, 'ok'],
    [20_000, 1, 'wrong'],
  ] as const)('of clocks %d ms apart, give or take twice %d, says %s', (aheadMs, errorMs, level) => {
    const servers = [0, aheadMs].map((ms) => survey({}, {}, { clock: { aheadMs: ms, errorMs } }));
    expect(clockFindings(servers)).toMatchObject([{ level }]);
    expect(clockFindings(servers.slice(1))).toEqual([]);
  });
});

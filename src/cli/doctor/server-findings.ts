import { evictionComplaint, versionComplaint } from '../../redis/connection/server-check.js';
import type { AbsentServer, ServerSurvey } from '../../redis/survey/server-survey.js';
import { type Find, type Finding, findingsAt } from './finding.js';
import { permissionFindings } from './permission-findings.js';
import { replicationFindings } from './replication-findings.js';

/** A server this full will soon refuse writes. */
const NEARLY_FULL = 0.9;

/** What there is to say about one server. */
export function serverFindings(server: ServerSurvey | AbsentServer, namespace: string, isCluster: boolean): Finding[] {
  const find = findingsAt(server.address);
  if ('failure' in server) {
    const { failure, advice } = server;
    return [find('wrong', 'connection', `it does not answer: ${failure}. What to do: ${advice}.`)];
  }
  return [
    ...kindFindings(server, find, isCluster),
    ...memoryFindings(server, find),
    ...persistenceFindings(server, find),
    ...replicationFindings(server, find, isCluster),
    ...permissionFindings(server, find, namespace),
    ...workFindings(server, find),
  ];
}

function kindFindings({ info }: ServerSurvey, find: Find, isCluster: boolean): Finding[] {
  if (info.size === 0) {
    return [find('wrong', 'version', 'INFO is refused, so nothing is known of its settings. Grant the user +info.')];
  }
  const findings: Finding[] = [];
  const complaint = versionComplaint(info);
  const valkey = info.get('valkey_version');
  const name = valkey === undefined ? `Redis ${info.get('redis_version') ?? 'unknown'}` : `Valkey ${valkey}`;
  findings.push(
    complaint === undefined ? find('ok', 'version', name) : find('wrong', 'version', `${complaint}. Upgrade it.`),
  );
  if (info.get('cluster_enabled') === '1' && !isCluster) {
    findings.push(
      find(
        'wrong',
        'mode',
        'it is one node of a cluster, which refuses the keys of the others. Give its nodes with --cluster, and to redisStore({ cluster }).',
      ),
    );
  }
  if (info.get('role') === 'slave') {
    findings.push(find('wrong', 'role', 'it is a replica, which refuses every write. Give the address of its master.'));
  }
  if (info.get('loading') === '1') {
    findings.push(find('wrong', 'loading', 'it is still loading its data and refuses commands. Wait until it has.'));
  }
  return findings;
}

function memoryFindings({ info, config }: ServerSurvey, find: Find): Finding[] {
  if (info.size === 0) return [];
  const policy = info.get('maxmemory_policy') ?? config.get('maxmemory-policy') ?? 'noeviction';
  const limit = Number(info.get('maxmemory') ?? 0);
  const used = Number(info.get('used_memory') ?? 0);
  const complaint = evictionComplaint(info);
  const findings: Finding[] = [];
  if (complaint !== undefined) {
    const evicted = Number(info.get('evicted_keys') ?? 0);
    const sofar = evicted > 0 ? ` It has evicted ${evicted} keys since its start.` : '';
    findings.push(find('wrong', 'eviction', `${complaint} ${evictedEntries(policy)}${sofar}`));
  } else if (policy === 'noeviction') {
    findings.push(
      find('ok', 'eviction', 'maxmemory-policy is noeviction: no lock, no prepared write and no tag is dropped'),
    );
  } else {
    findings.push(
      find(
        'warn',
        'eviction',
        `maxmemory-policy is ${policy}: without maxmemory it evicts nothing, and with one it would drop locks. Set maxmemory-policy noeviction.`,
      ),
    );
  }
  if (limit === 0) {
    findings.push(find('ok', 'memory', `no maxmemory; ${megabytes(used)} in use. The machine is the limit.`));
  } else if (used < NEARLY_FULL * limit) {
    findings.push(find('ok', 'memory', `${megabytes(used)} of ${megabytes(limit)} in use`));
  } else {
    findings.push(
      find(
        used < limit ? 'warn' : 'wrong',
        'memory',
        `${megabytes(used)} of ${megabytes(limit)} in use: when it is full, locks and commits are refused (releases still work). Raise maxmemory, or shorten the TTL of the entries.`,
      ),
    );
  }
  return findings;
}

/** What the policy does to a cache, which is less than what it does to locks. */
function evictedEntries(policy: string): string {
  const which = policy.startsWith('volatile-')
    ? 'Entries with a ttl and tags are evicted too, those with ttl 0 never: when they fill it, writes are refused'
    : 'Entries and tags are evicted too';
  return `${which}. What is evicted is loaded again, and with a tag all that carries it; near copies live on to near.ttl, as nothing tells of an eviction, and are current.`;
}

function persistenceFindings({ info, config }: ServerSurvey, find: Find): Finding[] {
  if (info.size === 0) return [];
  if (info.get('aof_enabled') === '1') {
    return info.get('aof_last_write_status') === 'err'
      ? [
          find(
            'wrong',
            'persistence',
            'the last write to the append-only file failed, so it refuses writes. Look at its disk.',
          ),
        ]
      : [find('ok', 'persistence', 'it keeps an append-only file; a restart loses what appendfsync allows')];
  }
  const save = config.get('save');
  if (save === undefined) {
    return [
      find(
        'warn',
        'persistence',
        'it keeps no append-only file, and whether it saves snapshots is not to be seen without +config|get. Without either, a restart is empty.',
      ),
    ];
  }
  if (save === '') {
    return [
      find(
        'warn',
        'persistence',
        'it keeps nothing on disk: a restart is empty, so every lock is lost (its holder learns it at the next renewal) and every entry a miss. Set appendonly yes, unless that is what you want.',
      ),
    ];
  }
  if (info.get('rdb_last_bgsave_status') === 'err') {
    return [
      find(
        'wrong',
        'persistence',
        'the last snapshot failed, so it may refuse writes (stop-writes-on-bgsave-error). Look at its disk.',
      ),
    ];
  }
  return [
    find(
      'warn',
      'persistence',
      'it keeps snapshots only: a restart goes back to the last one, so later locks are lost and later entries are older, or gone. Set appendonly yes, unless that is what you want.',
    ),
  ];
}

function workFindings({ scriptFailure, writeFailure, messageFailure, refusals }: ServerSurvey, find: Find): Finding[] {
  const isRefused = (...commands: readonly string[]): boolean =>
    refusals.some(({ command }) => commands.includes(command));
  const findings: Finding[] = [];
  if (scriptFailure !== undefined) {
    findings.push(find('wrong', 'scripts', `Lua scripts do not run: ${scriptFailure}. Every lock and commit is one.`));
  } else if (!isRefused('eval', 'evalsha')) {
    findings.push(find('ok', 'scripts', 'EVALSHA and EVAL work'));
  }
  if (writeFailure !== undefined) {
    findings.push(find('wrong', 'writes', `it refuses writes: ${writeFailure}`));
  }
  if (messageFailure !== undefined) {
    findings.push(
      find(
        'wrong',
        'messages',
        `a published message does not arrive: ${messageFailure}. Waiters then learn of a free lock only when they ask again, after a second or so.`,
      ),
    );
  } else if (!isRefused('publish', 'subscribe')) {
    findings.push(find('ok', 'messages', 'publish and subscribe work'));
  }
  return findings;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

import type { ServerSurvey } from '../../redis/survey/server-survey.js';
import type { Find, Finding } from './finding.js';

/** Redis' own default for `min-replicas-max-lag`, in seconds. */
const MOST_LAG_S = 10;

/** Replicas, whether they follow, and what a failover would lose. */
export function replicationFindings({ info, config }: ServerSurvey, find: Find, isCluster: boolean): Finding[] {
  if (info.size === 0 || info.get('role') === 'slave') return [];
  const count = Number(info.get('connected_slaves') ?? 0);
  const needed = neededReplicas(info, config);
  if (count === 0) return [...withoutReplicas(find, isCluster), ...tooFew(find, 0, needed)];
  const offset = Number(info.get('master_repl_offset') ?? 0);
  const replicas = Array.from({ length: count }, (_, i) => replicaOf(info.get(`slave${i}`) ?? ''));
  const findings = replicas.map(({ address, state, lagS, at }) => {
    const behind = `${Math.max(0, offset - at)} bytes and ${lagS} s behind`;
    return state === 'online' && lagS <= MOST_LAG_S
      ? find('ok', 'replica', `${address} is connected, ${behind}`)
      : find(
          'warn',
          'replica',
          `${address} is ${state}, ${behind}: a failover to it now would lose that. Look at it and at the network between.`,
        );
  });
  const good = replicas.filter(({ state, lagS }) => state === 'online' && lagS <= MOST_LAG_S).length;
  return [...findings, ...tooFew(find, good, needed)];
}

function withoutReplicas(find: Find, isCluster: boolean): Finding[] {
  return isCluster
    ? [find('warn', 'replica', 'this master has no replica: when it dies, its slots are not served. Give it one.')]
    : [find('ok', 'replica', 'none: nothing to fail over to, and nothing that a failover could lose')];
}

/** What `min-replicas-to-write` does, or would do. */
function tooFew(find: Find, good: number, needed: number | undefined): Finding[] {
  const name = 'min-replicas-to-write';
  if (needed === undefined) return [];
  if (needed > good) {
    return [
      find(
        'wrong',
        name,
        `it is ${needed}, and ${good} replicas follow: every write is refused. Bring them back, or lower it.`,
      ),
    ];
  }
  if (needed > 0)
    return [find('ok', name, `it is ${needed}: a master that its replicas have left stops taking writes`)];
  if (good === 0) return [];
  return [
    find(
      'warn',
      name,
      'it is 0: after a failover an old master that is still alive goes on taking writes, which are lost later. Set it to 1.',
    ),
  ];
}

/** Undefined when nobody may see it: INFO tells only that it is set at all. */
function neededReplicas(info: ServerSurvey['info'], config: ServerSurvey['config']): number | undefined {
  const given = config.get('min-replicas-to-write');
  if (given !== undefined) return Number(given);
  return info.has('min_slaves_good_slaves') ? undefined : 0;
}

function replicaOf(line: string) {
  const fields = new Map(line.split(',').map((field) => field.split('=') as [string, string]));
  return {
    address: `${fields.get('ip') ?? 'unknown'}:${fields.get('port') ?? ''}`,
    state: fields.get('state') ?? 'unknown',
    lagS: Number(fields.get('lag') ?? 0),
    at: Number(fields.get('offset') ?? 0),
  };
}

import type { ClusterSurvey } from '../../redis/survey/cluster-survey.js';
import type { AbsentServer, ServerSurvey } from '../../redis/survey/server-survey.js';
import { type Finding, findingsAt } from './finding.js';

/** Ranges of slots that are named before the rest is counted. */
const MOST_RANGES = 5;
/** Further apart than NTP leaves them. */
const WARN_SKEW_MS = 500;
/** As long as an owner has to decide at the most: whoever clears up would come far too late. */
const WRONG_SKEW_MS = 10_000;

/** What there is to say about a cluster as a whole. */
export function clusterFindings({ state, uncovered, masters }: ClusterSurvey): Finding[] {
  const find = findingsAt('cluster');
  const findings: Finding[] = [];
  if (uncovered.length > 0) {
    const named = uncovered.slice(0, MOST_RANGES).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
    const count = uncovered.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    const rest = uncovered.length > MOST_RANGES ? ' and more' : '';
    findings.push(
      find(
        'wrong',
        'slots',
        `${count} slots have no master (${named.join(', ')}${rest}): their locks and entries are out of reach. Bring the missing node back, or run redis-cli --cluster fix.`,
      ),
    );
  }
  if (state !== 'ok') {
    findings.push(
      find('wrong', 'state', `cluster_state is ${state}: it refuses commands. Look at CLUSTER NODES for what failed.`),
    );
  }
  if (findings.length === 0)
    findings.push(find('ok', 'state', `cluster_state is ok; ${masters.length} masters serve all slots`));
  return findings;
}

/** How far the clocks of the masters are apart; the time that an answer took is the error of each. */
export function clockFindings(servers: readonly (ServerSurvey | AbsentServer)[]): Finding[] {
  const clocks = servers.flatMap((server) =>
    'clock' in server && server.clock !== undefined ? [{ address: server.address, ...server.clock }] : [],
  );
  const sorted = clocks.toSorted((one, other) => one.aheadMs - other.aheadMs);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const find = findingsAt('clocks');
  const apartMs = last.aheadMs - first.aheadMs;
  const errorMs = first.errorMs + last.errorMs;
  const apart = `${last.address} is ${Math.round(apartMs)} ms before ${first.address} (give or take ${Math.ceil(errorMs)})`;
  if (apartMs - errorMs <= WARN_SKEW_MS) return [find('ok', 'skew', apart)];
  const isWrong = apartMs - errorMs > WRONG_SKEW_MS;
  return [
    find(
      isWrong ? 'wrong' : 'warn',
      'skew',
      `${apart}: what a dead process has left is cleared up late, and a fence after a failover is as large as the new master's clock says. Keep the clocks together (NTP).`,
    ),
  ];
}

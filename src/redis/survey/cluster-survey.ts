import { parseInfo } from '../connection/server-check.js';
import { type ServerPlace, SurveyConnection } from './survey-connection.js';

const SLOTS = 16_384;

/** How one node sees its cluster. */
export interface ClusterSurvey {
  /** `ok` or `fail`. */
  readonly state: string;
  /** Slots that no master serves, as ranges, both ends inclusive. */
  readonly uncovered: readonly (readonly [number, number])[];
  readonly masters: readonly { readonly host: string; readonly port: number }[];
}

type Node = { readonly host: string; readonly port: number };

/**
 * Asks the first of the nodes that answers.
 * @throws Error that says why none of them does
 */
export async function surveyCluster(nodes: readonly Node[], further: ServerPlace, timeoutMs: number) {
  const failures: string[] = [];
  for (const node of nodes) {
    let connection: SurveyConnection | undefined;
    try {
      connection = await SurveyConnection.open({ ...further, ...node }, timeoutMs);
      const info = parseInfo(String(await connection.ask('CLUSTER', 'INFO')));
      return clusterOf(info, await connection.ask('CLUSTER', 'SLOTS'), node);
    } catch (error) {
      failures.push(`${node.host}:${node.port}: ${(error as Error).message}`);
    } finally {
      connection?.close();
    }
  }
  throw new Error(`no node tells of its cluster: ${failures.join('; ')}`);
}

/** @param asked whose own host stands for an address that it does not know */
export function clusterOf(info: ReadonlyMap<string, string>, slots: unknown, asked: Node): ClusterSurvey {
  const masters = new Map<string, Node>();
  const isCovered = new Uint8Array(SLOTS);
  for (const range of slots as readonly [number, number, readonly [string | null, number]][]) {
    const [from, to, [host, port]] = range;
    isCovered.fill(1, from, to + 1);
    const known = host === null || host === '' || host === '?' ? asked.host : host;
    masters.set(`${known}:${port}`, { host: known, port });
  }
  return {
    state: info.get('cluster_state') ?? 'unknown',
    uncovered: gapsOf(isCovered),
    masters: [...masters.values()],
  };
}

function gapsOf(isCovered: Uint8Array): [number, number][] {
  const gaps: [number, number][] = [];
  isCovered.forEach((covered, slot) => {
    const last = gaps.at(-1);
    if (covered === 1) return;
    if (last?.[1] === slot - 1) last[1] = slot;
    else gaps.push([slot, slot]);
  });
  return gaps;
}

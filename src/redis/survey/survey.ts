import type { ClusterNode } from 'ioredis';
import { checkConnectionOptions } from '../connection/connection.js';
import { type RedisStoreOptions, withoutSettings } from '../redis-store.options.js';
import { type ClusterSurvey, surveyCluster } from './cluster-survey.js';
import { type AbsentServer, type ServerSurvey, surveyServer, type SurveySettings } from './server-survey.js';
import type { ServerPlace } from './survey-connection.js';

/** What the servers behind a store say of themselves. */
export interface Survey {
  readonly cluster: ClusterSurvey | undefined;
  /** Every master. */
  readonly servers: readonly (ServerSurvey | AbsentServer)[];
}

/**
 * Looks at the servers that a store with these options would use, on connections of its own, and closes them.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 * @throws Error when no node of a cluster tells where its masters are
 */
export async function surveyServers(options: RedisStoreOptions, settings: SurveySettings): Promise<Survey> {
  checkConnectionOptions(options);
  if ('client' in options) throw new Error('a survey takes options, not a client');
  if ('cluster' in options) {
    const { nodes, options: { redisOptions = {} } = {} } = options.cluster;
    const cluster = await surveyCluster(nodes.map(addressOf), redisOptions, settings.timeoutMs);
    const servers = cluster.masters.map((node) =>
      surveyServer({ ...(redisOptions as ServerPlace), ...node }, `${node.host}:${node.port}`, settings),
    );
    return { cluster, servers: await Promise.all(servers) };
  }
  if ('sentinel' in options) {
    const place = options.sentinel as ServerPlace;
    return { cluster: undefined, servers: [await surveyServer(place, `group ${options.sentinel.name}`, settings)] };
  }
  return { cluster: undefined, servers: [await surveyServer(withoutSettings(options), nameOf(options), settings)] };
}

function addressOf(node: ClusterNode): { host: string; port: number } {
  const { host = '127.0.0.1', port = 6379 } = typeof node === 'object' ? node : { port: Number(node) };
  return { host, port };
}

/** Never the URL itself, which may carry a password. */
function nameOf({
  url,
  host,
  port,
}: {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}): string {
  if (url === undefined) return `${host ?? '127.0.0.1'}:${port ?? 6379}`;
  const { hostname, port: given } = new URL(url);
  return `${hostname}:${given === '' ? '6379' : given}`;
}

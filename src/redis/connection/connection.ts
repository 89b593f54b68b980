import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { InvalidOptionsError } from '../../base/errors.js';
import { leaveReplica } from './leave-replica.js';
import {
  OWNED_OPTIONS,
  type RedisStoreOptions,
  type ResolvedSettings,
  withoutSettings,
} from '../redis-store.options.js';
import { tellUnsent } from './unsent-commands.js';

/** The two connections of a store: `commands` never sends anything twice or late, `inbox` only listens. */
export interface Connections {
  readonly commands: Redis | Cluster;
  readonly inbox: Redis | Cluster;
}

/**
 * Opens nothing yet: both connections are lazy.
 *
 * A command that ioredis reported as failed must not run later, so the command connection has no offline queue and
 * resends nothing [measured: with the defaults a SET that timed out was still sent when the server returned].
 * A client handed in is duplicated, because its options are its owner's.
 */
export function createConnections(options: RedisStoreOptions, settings: ResolvedSettings): Connections {
  if ('client' in options) {
    const { client } = options;
    if (isCluster(client)) return shared(client.duplicate([], clusterOptions(client.options, settings)));
    const reconnectOnError = leaveReplica(client.options.reconnectOnError);
    return {
      commands: client.duplicate({ ...safeOptions(settings), reconnectOnError }),
      inbox: client.duplicate(listeningOptions()),
    };
  }
  if ('cluster' in options) {
    return shared(new Cluster(options.cluster.nodes, clusterOptions(options.cluster.options ?? {}, settings)));
  }
  const { url, ...given } =
    'sentinel' in options ? { url: undefined, ...options.sentinel } : { url: undefined, ...options };
  const redis: RedisOptions = withoutSettings(given);
  const open = (own: OwnOptions): Redis => {
    const merged = { ...redis, ...own };
    return url === undefined ? new Redis(merged) : new Redis(url, merged);
  };
  const reconnectOnError = leaveReplica(redis.reconnectOnError);
  return { commands: open({ ...safeOptions(settings), reconnectOnError }), inbox: open(listeningOptions()) };
}

/**
 * A further connection to the server of `node`, or to whom its sentinels name, for commands that block. It opens nothing yet
 * and never connects again: whoever needs another one makes it, and knows then that it may be another server.
 */
export function blockingConnection(node: Redis, settings: ResolvedSettings): Redis {
  return node.duplicate({
    ...safeOptions(settings),
    readOnly: false,
    retryStrategy: () => null,
    socketTimeout: settings.replicaTimeoutMs + settings.commandTimeoutMs * 2,
  });
}

/** A further connection that only listens, to the server of the inbox. It opens nothing yet. */
export function anotherListener({ inbox }: Connections): Redis {
  if (isCluster(inbox)) throw new TypeError('each node of a cluster has connections of its own');
  return inbox.duplicate(listeningOptions());
}

/** By shape, because a client handed in may come from another copy of ioredis. */
export function isCluster(client: Redis | Cluster): client is Cluster {
  return 'slots' in client;
}

/** The connections to every master: one, or one for each shard. */
export function mastersOf(client: Redis | Cluster): Redis[] {
  return isCluster(client) ? client.nodes('master') : [client];
}

/**
 * Closes a client for good.
 *
 * ioredis listens for one error of a socket. A TLS handshake that is cut off can have two (a certificate that does not
 * fit, and the alert of the server), and the second would end the process.
 */
export function closeClient(client: Redis | Cluster): void {
  for (const node of isCluster(client) ? client.nodes() : [client]) {
    // Missing before the first connection, whatever the type says.
    const stream = node.stream as Redis['stream'] | undefined;
    stream?.on('error', () => undefined);
  }
  client.disconnect();
}

/** A cluster client keeps a subscriber connection of its own, so one object serves both uses. */
function shared(cluster: Cluster): Connections {
  tellUnsent(cluster);
  return { commands: cluster, inbox: cluster };
}

/**
 * RESP2 and its reply shapes, whatever the ioredis major's default; never a replica (threat S22); no time-out of the
 * user's own client, which would speak before the deadline of this store; and no detector of failovers, whose news ends
 * an ioredis 6.0.0 client for good when it comes while that reconnects.
 */
const EVERYWHERE = {
  protocol: 2,
  replyMapping: 'legacy',
  role: 'master',
  commandTimeout: undefined,
  failoverDetector: false,
} as const;

type OwnOptions = Omit<RedisOptions, 'replyMapping'> & typeof EVERYWHERE;

function safeOptions(settings: ResolvedSettings): OwnOptions {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Auto-pipelining fails with MOVED for ever after a slot moved (redis/ioredis#2075).
    enableAutoPipelining: false,
    // A half-open socket is given up after two unanswered commands; without it the client waits for the kernel.
    socketTimeout: settings.commandTimeoutMs * 2,
    ...EVERYWHERE,
  };
}

/** Subscribing again is the inbox's own business: ioredis would leave a failure of it unhandled. */
function listeningOptions(): OwnOptions {
  return {
    lazyConnect: true,
    autoResubscribe: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
    ...EVERYWHERE,
  };
}

function clusterOptions(
  given: ClusterOptions,
  settings: ResolvedSettings,
): ClusterOptions & { redisOptions: typeof EVERYWHERE } {
  const { lazyConnect: _lazy, enableOfflineQueue: _queue, ...node } = safeOptions(settings);
  return {
    ...given,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    scaleReads: 'master',
    // Only 0 reports a command that was in flight during a failover instead of sending it again.
    retryDelayOnFailover: 0,
    redisOptions: { ...given.redisOptions, ...node },
  };
}

/**
 * Refuses what a typo in a program without types leads to, before it becomes another error, or another server.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function checkGiven(options: RedisStoreOptions): void {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw new InvalidOptionsError("redisStore takes an object, such as { url: 'redis://localhost:6379' }");
  }
  const { url, host, path, client, cluster, sentinel } = given as Readonly<Record<string, unknown>>;
  const hasPlace = [host, path, client, cluster, sentinel].some((place) => place !== undefined);
  if (url === '' || ('url' in given && url === undefined && !hasPlace)) throw noUrl('url', url);
}

/** @internal */
export function noUrl(option: string, url: unknown): InvalidOptionsError {
  return new InvalidOptionsError(
    `redisStore: ${option} is ${url === '' ? 'empty' : 'undefined'}; is the environment variable set?`,
    { details: { option } },
  );
}

/** Whether the options lead to a cluster. */
export function isClusterStore(options: RedisStoreOptions): boolean {
  return 'cluster' in options || ('client' in options && isCluster(options.client));
}

/**
 * Refuses what this store cannot work with, before anything is opened.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a `keyPrefix`, which does not reach channels, and for a URL of another scheme or that
 * sets options which are the store's own
 */
export function checkConnectionOptions(options: RedisStoreOptions): void {
  const { url } = options as { readonly url?: string | undefined };
  if (url !== undefined) checkUrl(url);
  const { keyPrefix, redisOptions } = givenOptions(options);
  const prefix = keyPrefix ?? redisOptions?.keyPrefix ?? '';
  if (prefix === '') return;
  throw new InvalidOptionsError(
    `the Redis client has keyPrefix ${JSON.stringify(prefix)}, which ioredis does not apply to channels; use the module's namespace option instead`,
    { details: { option: 'keyPrefix' } },
  );
}

function givenOptions(options: RedisStoreOptions): { keyPrefix?: string; redisOptions?: { keyPrefix?: string } } {
  if ('client' in options) return options.client.options as ReturnType<typeof givenOptions>;
  if ('cluster' in options) return (options.cluster.options ?? {}) as ReturnType<typeof givenOptions>;
  return ('sentinel' in options ? options.sentinel : options) as ReturnType<typeof givenOptions>;
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` for a URL of another scheme or that sets options which are the store's own */
export function checkUrl(url: string): void {
  refuseOtherScheme(url);
  refuseOwnedOptions(url);
}

/** ioredis takes what follows another scheme for the path of a Unix socket, and only the scheme of a URL is no secret. */
function refuseOtherScheme(url: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? 'redis';
  if (['redis', 'rediss', 'unix'].includes(scheme)) return;
  throw new InvalidOptionsError(
    `redisStore: the url begins with ${scheme}://; give redis://host:6379, or rediss://host:6379 for TLS`,
    { details: { option: 'url', scheme } },
  );
}

/** ioredis takes options from a URL's query, and lets them win. */
function refuseOwnedOptions(url: string): void {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length));
  const option = OWNED_OPTIONS.find((name) => query.has(name));
  if (option === undefined) return;
  throw new InvalidOptionsError(`the URL of the Redis store sets ${option}, which the store decides itself`, {
    details: { option },
  });
}

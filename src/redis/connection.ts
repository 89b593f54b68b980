import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { InvalidOptionsError } from '../base/errors.js';
import type { RedisStoreOptions, ResolvedSettings } from './redis-store.options.js';

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
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a client or options with `keyPrefix`: it does not reach channels
 */
export function createConnections(options: RedisStoreOptions, settings: ResolvedSettings): Connections {
  if ('client' in options) {
    refuseKeyPrefix(keyPrefixOf(options.client));
    const { client } = options;
    if (isCluster(client)) return shared(client.duplicate([], clusterOptions(client.options, settings)));
    return { commands: client.duplicate(safeOptions(settings)), inbox: client.duplicate(listeningOptions()) };
  }
  if ('cluster' in options) {
    refuseKeyPrefix(options.cluster.options?.redisOptions?.keyPrefix ?? options.cluster.options?.keyPrefix);
    return shared(new Cluster(options.cluster.nodes, clusterOptions(options.cluster.options ?? {}, settings)));
  }
  const { url, ...given } =
    'sentinel' in options ? { url: undefined, ...options.sentinel } : { url: undefined, ...options };
  const {
    commandTimeout: _c,
    startTimeout: _s,
    onUnavailable: _u,
    onEviction: _e,
    ...redis
  } = given as RedisOptions & Record<string, unknown>;
  refuseKeyPrefix(redis.keyPrefix);
  const open = (own: OwnOptions): Redis => {
    const merged = { ...redis, ...own };
    return url === undefined ? new Redis(merged) : new Redis(url, merged);
  };
  return { commands: open(safeOptions(settings)), inbox: open(listeningOptions()) };
}

/** By shape, because a client handed in may come from another copy of ioredis. */
export function isCluster(client: Redis | Cluster): client is Cluster {
  return 'slots' in client;
}

/** The connections to every master: one, or one for each shard. */
export function mastersOf(client: Redis | Cluster): Redis[] {
  return isCluster(client) ? client.nodes('master') : [client];
}

/** A cluster client keeps a subscriber connection of its own, so one object serves both uses. */
function shared(cluster: Cluster): Connections {
  return { commands: cluster, inbox: cluster };
}

/** RESP2 and its reply shapes, whatever the ioredis major's default. */
const WIRE = { protocol: 2, replyMapping: 'legacy' } as const;

type OwnOptions = Omit<RedisOptions, 'replyMapping'> & typeof WIRE;

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
    ...WIRE,
  };
}

function listeningOptions(): OwnOptions {
  return { lazyConnect: true, autoResubscribe: true, enableOfflineQueue: true, maxRetriesPerRequest: null, ...WIRE };
}

function clusterOptions(
  given: ClusterOptions,
  settings: ResolvedSettings,
): ClusterOptions & { redisOptions: typeof WIRE } {
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

function keyPrefixOf(client: Redis | Cluster): string | undefined {
  const options = client.options as { keyPrefix?: string; redisOptions?: { keyPrefix?: string } };
  return options.keyPrefix ?? options.redisOptions?.keyPrefix;
}

function refuseKeyPrefix(keyPrefix: string | undefined): void {
  if (keyPrefix === undefined || keyPrefix === '') return;
  throw new InvalidOptionsError(
    `the Redis client has keyPrefix ${JSON.stringify(keyPrefix)}, which ioredis does not apply to channels; use the module's namespace option instead`,
    { details: { option: 'keyPrefix' } },
  );
}

import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { type Duration, toMs } from '../base/duration.js';
import { flag, oneOf, type OptionNames } from '../base/option-checks.js';

/** How the store behaves, whatever the connection. */
export interface RedisStoreSettings {
  /** How long a command may stay unanswered before its caller is told so. Default `'2s'`; 10 ms to 1 minute. */
  readonly commandTimeout?: Duration;
  /** How long the start waits for a server that answers. Default `'10s'`; 10 ms to 365 days. */
  readonly startTimeout?: Duration;
  /**
   * What a start without a server does. `fail` (default): stops the boot with `STORE_UNAVAILABLE`.
   * `degraded`: starts; every operation answers `STORE_UNAVAILABLE` until the server is there and has passed the check.
   */
  readonly onUnavailable?: 'fail' | 'degraded';
  /**
   * What a server does that may evict locks (`maxmemory` with a policy other than `noeviction`).
   * `warn` (default): one line in the log. `refuse`: stops the boot.
   */
  readonly onEviction?: 'warn' | 'refuse';
  /**
   * Who has to have a commit before its caller is told that it stands. `none` (default): the master alone, so a failover
   * may lose it. `all`: every replica of the master too, for a round trip more.
   */
  readonly replicas?: 'none' | 'all';
  /** With `replicas: 'all'`: how long a commit waits for them before it is `TXN_IN_DOUBT`. Default `'1s'`; 10 ms to 5 s. */
  readonly replicaTimeout?: Duration;
  /**
   * Of one server: where reads with `readFrom: 'replica'` go, such as the reader endpoint of a managed service; what it does not say is as for the
   * store. Default none: they go to the primary. Sentinels and a cluster name their replicas themselves.
   */
  readonly readReplica?: ReadReplicaOptions;
  /**
   * Whether near caches also hear of entries that clients without this library write, or that expire or are evicted, by `CLIENT TRACKING` on a
   * further connection. Default false; not for a cluster.
   */
  readonly tracking?: boolean;
}

const SETTINGS: OptionNames<RedisStoreSettings> = {
  commandTimeout: true,
  startTimeout: true,
  onUnavailable: true,
  onEviction: true,
  replicas: true,
  replicaTimeout: true,
  readReplica: true,
  tracking: true,
};

/** What of the options is for ioredis. */
export function withoutSettings<T extends object>(options: T): Omit<T, keyof RedisStoreSettings> {
  const rest = Object.entries(options).filter(([name]) => !Object.hasOwn(SETTINGS, name));
  return Object.fromEntries(rest) as Omit<T, keyof RedisStoreSettings>;
}

/** What this store decides about a connection itself; see docs/operations.md. */
export const OWNED_OPTIONS = [
  'commandTimeout',
  'socketTimeout',
  'keyPrefix',
  'enableOfflineQueue',
  'autoResendUnfulfilledCommands',
  'maxRetriesPerRequest',
  'enableAutoPipelining',
  'lazyConnect',
  'readOnly',
  'role',
  'protocol',
  'replyMapping',
  'autoResubscribe',
  'failoverDetector',
  'scripts',
] as const satisfies readonly (keyof RedisOptions)[];

/** ioredis options the user may give: address, credentials, TLS, timeouts, retry strategy. */
export type RedisConnectionOptions = Omit<RedisOptions, (typeof OWNED_OPTIONS)[number]>;

/** Where a replica is: a URL, or ioredis options. */
export type ReadReplicaOptions = Omit<RedisConnectionOptions, 'sentinels' | 'name'> & { readonly url?: string };

/**
 * Where the server is: a URL, ioredis options, cluster nodes, sentinels, or a client of yours, which is duplicated
 * with safe options and never closed.
 */
export type RedisStoreOptions = RedisStoreSettings &
  (
    | (RedisConnectionOptions & { readonly url?: string })
    | { readonly client: Redis | Cluster }
    | { readonly cluster: { readonly nodes: ClusterNode[]; readonly options?: ClusterOptions } }
    | { readonly sentinel: RedisConnectionOptions & Required<Pick<RedisOptions, 'sentinels' | 'name'>> }
  );

/** The settings in milliseconds, defaults filled in. */
export interface ResolvedSettings {
  readonly commandTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly onUnavailable: 'fail' | 'degraded';
  readonly onEviction: 'warn' | 'refuse';
  readonly replicas: 'none' | 'all';
  readonly replicaTimeoutMs: number;
  readonly isTracking: boolean;
}

/**
 * A step of a commit over several slots may take 5 s (`PREPARING_AT_MOST_MS`), and an outcome can be asked for only half a
 * minute: whoever waits for longer waits in vain.
 */
const MOST_REPLICA_TIMEOUT_MS = 5_000;

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveSettings(settings: RedisStoreSettings): ResolvedSettings {
  return {
    commandTimeoutMs: toMs(settings.commandTimeout ?? '2s', 'redisStore.commandTimeout', { min: 10, max: 60_000 }),
    startTimeoutMs: toMs(settings.startTimeout ?? '10s', 'redisStore.startTimeout', { min: 10 }),
    onUnavailable: oneOf(settings.onUnavailable ?? 'fail', ['fail', 'degraded'], 'redisStore.onUnavailable'),
    onEviction: oneOf(settings.onEviction ?? 'warn', ['warn', 'refuse'], 'redisStore.onEviction'),
    replicas: oneOf(settings.replicas ?? 'none', ['none', 'all'], 'redisStore.replicas'),
    replicaTimeoutMs: toMs(settings.replicaTimeout ?? '1s', 'redisStore.replicaTimeout', {
      min: 10,
      max: MOST_REPLICA_TIMEOUT_MS,
    }),
    isTracking: flag(settings.tracking ?? false, 'redisStore.tracking'),
  };
}

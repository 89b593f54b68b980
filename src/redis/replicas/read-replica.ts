import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import { InvalidOptionsError } from '../../base/errors.js';
import { checkUrl, isCluster, noUrl } from '../connection/connection.js';
import { OWNED_OPTIONS, type ReadReplicaOptions, type RedisStoreOptions } from '../redis-store.options.js';

/**
 * How often a cluster is asked who its replicas are: it names one as soon as it has heard how far that is, and no answer to a read says
 * that there is another. Until then the master of the slot is read.
 */
const LOOK_EVERY_MS = 5_000;

/**
 * Refuses a `readReplica` that leads nowhere, or that nobody would ask.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function checkReadReplica(options: RedisStoreOptions): void {
  const given: unknown = options.readReplica;
  if (given === undefined) return;
  const refuse = (problem: string): never => {
    throw new InvalidOptionsError(`redisStore: readReplica ${problem}`, { details: { option: 'readReplica' } });
  };
  if (typeof given !== 'object' || given === null) refuse("takes an object, such as { url: 'redis://replica:6379' }");
  if (knowsItsReplicas(options)) refuse('is for one server; sentinels and a cluster name their replicas themselves');
  const { url, host, port, path, sentinels } = given as Readonly<Record<string, unknown>>;
  if (sentinels !== undefined) refuse('takes no sentinels; give the store the sentinels, which name its replicas too');
  const hasPlace = [host, port, path].some((place) => place !== undefined);
  if (url === '' || (Object.hasOwn(given as object, 'url') && url === undefined && !hasPlace))
    throw noUrl('readReplica.url', url);
  if (url === undefined && !hasPlace) refuse('has to say where the replica is: url, host, port or path');
  if (typeof url === 'string') checkUrl(url);
}

/**
 * A client for reads from replicas, beside that for commands and with its options: a late answer has nobody who waits for it, and nothing is
 * sent twice. It opens nothing yet. Undefined where nobody knows of a replica.
 */
export function replicaClient(
  commands: Redis | Cluster,
  place: ReadReplicaOptions | undefined,
): Redis | Cluster | undefined {
  if (isCluster(commands)) {
    const { slotsRefreshInterval = LOOK_EVERY_MS } = commands.options;
    return commands.duplicate([], { scaleReads: 'slave', slotsRefreshInterval });
  }
  if (commands.options.sentinels) return commands.duplicate({ role: 'slave' });
  if (place === undefined) return undefined;
  const { url, ...given } = place;
  const { path: _ofTheMaster, ...known } = commands.options;
  const own = ownedOf(commands.options);
  const options: OfReplica = { ...known, ...given, ...own, replyMapping: 'legacy' };
  return url === undefined ? new Redis(options) : new Redis(url, options);
}

type OfReplica = Omit<RedisOptions, 'replyMapping'> & { replyMapping: 'legacy' };

function knowsItsReplicas(options: RedisStoreOptions): boolean {
  if ('cluster' in options || 'sentinel' in options) return true;
  return 'client' in options && (isCluster(options.client) || Boolean(options.client.options.sentinels));
}

function ownedOf(options: RedisOptions): Pick<RedisOptions, (typeof OWNED_OPTIONS)[number]> {
  return Object.fromEntries(OWNED_OPTIONS.map((name) => [name, options[name]]));
}

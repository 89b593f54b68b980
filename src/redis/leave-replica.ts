import type { RedisOptions } from 'ioredis';

type ReconnectOnError = NonNullable<RedisOptions['reconnectOnError']>;

/**
 * Gives up a connection whose server answers that it is a replica: after a failover by hand or by a managed service nobody
 * closes it, and only a new one finds the master, by asking the sentinel or the DNS again.
 *
 * The refused command did not run, and its caller is told so. What the user's own option says is kept, except that
 * nothing is ever sent again (ioredis' answer 2).
 */
export function leaveReplica(given: ReconnectOnError | null | undefined): ReconnectOnError {
  return (error) => error.message.startsWith('READONLY ') || Boolean(given?.(error));
}

import type { RedisOptions } from 'ioredis';

/** Longer than the replies of one turn take, shorter than any reconnection that could meet a replica again. */
const ONE_MOMENT_MS = 100;

type ReconnectOnError = NonNullable<RedisOptions['reconnectOnError']>;

/**
 * Gives up a connection whose server answers that it is a replica: after a failover by hand or by a managed service nobody
 * closes it, and only a new one finds the master, by asking the sentinel or the DNS again.
 *
 * It says so once for the commands of a moment: ioredis would end the connection once for each of them.
 *
 * The refused command did not run, and its caller is told so. What the user's own option says is kept, except that
 * nothing is ever sent again (ioredis' answer 2).
 */
export function leaveReplica(given: ReconnectOnError | null | undefined): ReconnectOnError {
  let leftAtMs = -Infinity;
  return (error) => {
    if (!error.message.startsWith('READONLY ')) return Boolean(given?.(error));
    const now = performance.now();
    if (now - leftAtMs < ONE_MOMENT_MS) return false;
    leftAtMs = now;
    return true;
  };
}

import type { Cluster, Redis } from 'ioredis';
import { InvalidOptionsError, StoreUnavailableError } from '../../base/errors.js';
import { sleep, systemClock } from '../../base/clock.js';
import type { StoreContext } from '../../store/store.js';
import type { Connections } from './connection.js';
import { adviceOn, reasonOf, silenceOf, speaksTls } from './connection-advice.js';
import type { ResolvedSettings } from '../redis-store.options.js';
import { withoutSecrets } from './safe-error.js';

/** Between two tries to check a server that accepts connections but does not answer. */
const RECHECK_MS = 200;

/**
 * Connects and runs `prepare` (check the server, subscribe), within `startTimeout`.
 *
 * A server that is away: after the bound an error, or with `onUnavailable: 'degraded'` a warning, and `prepare` runs
 * when the server comes. `signal` ends the waiting when the store stops.
 *
 * @throws StoreUnavailableError `STORE_UNAVAILABLE` when no server answered in time
 * @throws InvalidOptionsError `INVALID_OPTIONS` when `prepare` refuses the server
 */
export async function connectWithin(
  { commands, inbox }: Connections,
  settings: ResolvedSettings,
  context: StoreContext,
  prepare: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const trouble: Trouble = { last: undefined };
  watchOutages([...new Set([commands, inbox])], context, trouble);
  const prepared = prepareWhenReady(commands, prepare, signal, trouble);
  // A failed first attempt is not the end: the client goes on by its retry strategy until the bound below.
  commands.connect().catch(() => undefined);

  const inTime = new AbortController();
  const late = sleep(systemClock, settings.startTimeoutMs, inTime.signal).then(
    () => 'late' as const,
    () => 'in time' as const,
  );
  const first = await Promise.race([prepared.then(() => 'in time' as const), late]).finally(() => {
    inTime.abort();
  });
  if (first === 'in time') return;

  const reason = trouble.last === undefined ? silenceOf(commands) : reasonOf(trouble.last);
  const advice = adviceOn(reason, speaksTls(commands));
  if (settings.onUnavailable === 'degraded') {
    context.warn(
      `Redis is not there after ${settings.startTimeoutMs} ms (${reason}): ${advice}; started degraded, operations fail until it comes`,
    );
    prepared.catch((error: unknown) => {
      if (!signal.aborted) context.report(error, { during: 'degraded start' });
    });
    return;
  }
  prepared.catch(() => undefined);
  throw new StoreUnavailableError(
    `Redis did not answer within ${settings.startTimeoutMs} ms (${reason}): ${advice}; or set onUnavailable: 'degraded' to start without it`,
    { cause: trouble.last, details: { startTimeoutMs: settings.startTimeoutMs } },
  );
}

/** What went wrong last while the store was starting: the reason to tell when time is up. */
interface Trouble {
  last: Error | undefined;
}

async function prepareWhenReady(
  client: Redis | Cluster,
  prepare: () => Promise<void>,
  signal: AbortSignal,
  trouble: Trouble,
): Promise<void> {
  for (;;) {
    await readiness(client, signal);
    try {
      await prepare();
      return;
    } catch (error) {
      if (error instanceof InvalidOptionsError) throw error;
      trouble.last = withoutSecrets(error);
      await sleep(systemClock, RECHECK_MS, signal);
    }
  }
}

function readiness(client: Redis | Cluster, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      client.off('ready', onReady);
      reject(new StoreUnavailableError('the Redis store was stopped before its server answered'));
    };
    const onReady = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    if (signal.aborted) {
      onAbort();
    } else if (client.status === 'ready') {
      resolve();
    } else {
      client.once('ready', onReady);
      signal.addEventListener('abort', onAbort, { once: true });
    }
  });
}

/** Listens to every `error` event, without which Node would end the process, and reports one for each outage. */
function watchOutages(clients: readonly (Redis | Cluster)[], context: StoreContext, trouble: Trouble): void {
  for (const client of clients) {
    let isReported = false;
    client.on('error', (error: unknown) => {
      trouble.last = withoutSecrets(error);
      if (!isReported) context.report(trouble.last, { during: 'connection to Redis' });
      isReported = true;
    });
    client.on('ready', () => {
      isReported = false;
    });
  }
}

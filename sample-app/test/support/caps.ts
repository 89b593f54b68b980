import type { LoggedRequest, Span } from './request-log.js';
import { NOWHERE } from './visitors.js';

/** The defaults of docs/options.md: the box office says nothing else, but for the time-out of a command. */
const LOAD = { waitMs: 10_000, timeoutMs: 5_000 };
const LOCK_WAIT_MS = 5_000;
const TRANSACTION_TIMEOUT_MS = 5_000;
const RETRY_BUDGET_MS = 10_000;

/**
 * Commands of Redis that a read waits for, one after the other: a page asks for its value, for its tags, and for those that have to be made, and publishes
 * what it has loaded; when it shares a load, that one's publishing and a look at the tags come first. A list of seats has two values, which have no tags.
 */
const COMMANDS_OF_A_READ = 6;
/** G21: an outcome is asked for at least so long, and the COMMIT of a database under locks so much longer. */
const ASKED_FOR_MS = 2_000;
const LONGER_UNDER_LOCKS_MS = 5_000;
/** For what no option limits: the way of a request, and a query. */
const MARGIN_MS = 1_000;

/** Answers that came too late, by the options of the box office. */
export class Caps {
  private readonly commandsOfAReadMs: number;

  constructor(private readonly commandTimeoutMs: number) {
    this.commandsOfAReadMs = COMMANDS_OF_A_READ * commandTimeoutMs;
  }

  /** Requests that took longer than they may at any time. */
  over(requests: readonly LoggedRequest[]): string[] {
    return late(requests, (request) => this.capOf(request), tookMs);
  }

  /** Reads that Redis held up for longer than it may, while it was away: rows are there all the time. */
  heldUp(requests: readonly LoggedRequest[], away: Span): string[] {
    const heldUpMs = ({ sentMs, endedMs }: LoggedRequest): number =>
      Math.min(endedMs, away.untilMs) - Math.max(sentMs, away.fromMs);
    return late(requests, (request) => (isRead(request) ? this.commandsOfAReadMs : Infinity), heldUpMs);
  }

  private capOf(request: LoggedRequest): number {
    if (request.method === 'GET') return LOAD.waitMs + LOAD.timeoutMs + this.commandsOfAReadMs;
    // The last two: the last question for a lock, and its release.
    const onceMs =
      LOCK_WAIT_MS + TRANSACTION_TIMEOUT_MS + ASKED_FOR_MS + LONGER_UNDER_LOCKS_MS + 2 * this.commandTimeoutMs;
    // @Versioned, which holds have not, starts no further attempt when its budget is spent.
    return request.path.endsWith('/hold') ? onceMs : RETRY_BUDGET_MS + onceMs;
  }
}

function isRead({ method, path }: LoggedRequest): boolean {
  return method === 'GET' && path !== NOWHERE;
}

function tookMs({ sentMs, endedMs }: LoggedRequest): number {
  return endedMs - sentMs;
}

/** On a machine where an answer from nowhere takes long, everything may take so much longer. */
function late(
  requests: readonly LoggedRequest[],
  capOf: (request: LoggedRequest) => number,
  tookOf: (request: LoggedRequest) => number,
): string[] {
  const slowMs = Math.max(0, ...requests.filter(({ path }) => path === NOWHERE).map(tookMs));
  return requests.flatMap((request) => {
    const mostMs = Math.round(capOf(request) + MARGIN_MS + slowMs);
    const { method, path, status } = request;
    const took = Math.round(tookOf(request));
    return took <= mostMs ? [] : [`${method} ${path}: ${status} after ${took} ms, and at most ${mostMs}`];
  });
}

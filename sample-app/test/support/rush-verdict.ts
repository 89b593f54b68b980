import type { Order } from '../../src/orders/order.js';
import type { Seat } from '../../src/seats/seat.js';
import type { LoggedRequest, Span } from './request-log.js';
import { SEATS } from './sale.js';
import { NOWHERE, pagesOf, takeOf } from './visitors.js';

/** What a change may answer beside success (docs/errors.md, and the refusals of the box office). */
const REFUSALS: Readonly<Record<string, number>> = {
  NOT_ENOUGH_MONEY: 402,
  ...{ SEAT_SOLD: 409, SEAT_HELD: 409, VERSION_CONFLICT: 409 },
  ...{ PRECONDITION_FAILED: 412, LOCK_TIMEOUT: 423 },
  ...{ STORE_UNAVAILABLE: 503, STORE_TIMEOUT: 503, TXN_IN_DOUBT: 503, TXN_TIMEOUT: 503, LOCK_LOST: 503 },
};

/** Reads that did not show what was asked for, although the rows were there all the time. */
export function failedReads(requests: readonly LoggedRequest[]): string[] {
  const reads = requests.filter(({ method, path }) => method === 'GET' && path !== NOWHERE);
  return reads.filter(({ status }) => status !== 200 && status !== 304).map(shown);
}

/** Changes that were answered with what nobody has documented. */
export function undocumented(requests: readonly LoggedRequest[]): string[] {
  const isDocumented = ({ status = 0, body }: LoggedRequest): boolean =>
    (status >= 200 && status < 300) || REFUSALS[body.code] === status;
  return requests.filter((request) => request.method !== 'GET' && !isDocumented(request)).map(shown);
}

/** Whether nothing of this answer can have come from Redis; a list of seats does not say where they came from. */
const isFromRows = ({ cache }: LoggedRequest): boolean => cache === 'BYPASS' || cache === 'MISS';

/**
 * Pages that are older than what was acknowledged before they were asked for: a sale, or a new name.
 *
 * @param transient while what Redis has may be older than its row, because it has lost its last writes: then only what came from the rows is judged
 */
export function olderPages(requests: readonly LoggedRequest[], event: string, transient?: Span): string[] {
  const pages = Object.values<string>(pagesOf(event));
  const isJudged = (request: LoggedRequest): boolean =>
    transient === undefined ||
    isFromRows(request) ||
    request.sentMs > transient.untilMs ||
    request.endedMs < transient.fromMs;
  const looks = requests.filter(({ status, path }) => pages.includes(path) && (status === 200 || status === 304));
  const changes = requests.filter(({ method, status = 0 }) => method !== 'GET' && status < 300);
  const orders = changes.filter(({ path }) => path === '/orders').sort(byEnd);
  const renames = changes.filter(({ method }) => method === 'PATCH').sort(byEnd);
  return looks.filter(isJudged).flatMap((look) => {
    const sold = orders.filter(({ endedMs }) => endedMs <= look.sentMs).map(({ body }) => body as Order);
    const take = renames.findLast(({ endedMs }) => endedMs <= look.sentMs)?.body.name ?? '';
    return isCurrent(look, event, sold, takeOf(take)) ? [] : [`${shown(look)} after ${take}, ${sold.length} sold`];
  });
}

function isCurrent({ path, body }: LoggedRequest, event: string, sold: readonly Order[], take: number): boolean {
  const pages = pagesOf(event);
  if (path === pages.seats) {
    const seats = new Map((body as readonly Seat[]).map((seat) => [seat.id, seat]));
    return sold.every(({ seatId, buyer }) => {
      const seat = seats.get(seatId);
      return seat?.status === 'sold' && seat.buyer === buyer;
    });
  }
  const isNamed = ({ name }: { readonly name: string }): boolean => takeOf(name) >= take;
  if (path === pages.list)
    return (body as { id: string; name: string }[]).some((row) => row.id === event && isNamed(row));
  return isNamed(body) && (path === pages.event || body.seatsLeft <= SEATS - sold.length);
}

function byEnd(a: LoggedRequest, b: LoggedRequest): number {
  return a.endedMs - b.endedMs;
}

function shown({ office, method, path, status, cache, sentMs, body }: LoggedRequest): string {
  return `${method} ${office}${path} at ${Math.round(sentMs)} ms: ${status} ${cache} ${JSON.stringify(body).slice(0, 200)}`;
}

import type pg from 'pg';
import { pagesOf } from './visitors.js';

/** What the pages of an event have to show, by the rows. */
export async function pageRows(sql: pg.Client, event: string): Promise<Readonly<Record<string, unknown>>> {
  const rowsOf = async (query: string) => (await sql.query<{ id: string }>(query)).rows;
  const events = await rowsOf(
    'SELECT id, name, price_cents AS "priceCents", seat_count AS "seatCount" FROM events ORDER BY id',
  );
  const seats = await rowsOf(
    `SELECT id, number, status, buyer, held_until AS "heldUntil" FROM seats WHERE event_id = '${event}' ORDER BY number`,
  );
  const unsold = await rowsOf(`SELECT id FROM seats WHERE event_id = '${event}' AND status <> 'sold'`);
  const own = events.find(({ id }) => id === event);
  const pages = pagesOf(event);
  return {
    [pages.list]: events,
    [pages.event]: own,
    [pages.page]: { ...own, seatsLeft: unsold.length },
    [pages.seats]: seats,
  };
}

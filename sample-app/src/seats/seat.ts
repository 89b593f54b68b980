import { z } from 'zod';
import type { seats } from '../database/schema.js';
import type { Event } from '../events/event.js';
import { id } from '../http/id.js';

export const seat = z.object({
  id,
  number: z.int(),
  status: z.enum(['free', 'held', 'sold']),
  buyer: id.nullable().meta({ example: 'ada' }),
  heldUntil: z.iso.datetime().nullable(),
});
/** A seat as it is cached and shown. */
export type Seat = z.infer<typeof seat>;

export const holdRequest = z.strictObject({ buyer: id.meta({ example: 'ada' }) });
export type HoldRequest = z.infer<typeof holdRequest>;

export const seatKey = (seatId: string): string => `seat:${seatId}`;

export const SEAT_TTL = '10m';

/** Seats are numbered through, so that their ids need no query. */
export function seatIdsOf({ id, seatCount }: Event): string[] {
  return Array.from({ length: seatCount }, (_, i) => `${id}-${i + 1}`);
}

export function toSeat({ id, number, status, buyer, heldUntil }: typeof seats.$inferSelect): Seat {
  return { id, number, status, buyer, heldUntil: heldUntil?.toISOString() ?? null };
}

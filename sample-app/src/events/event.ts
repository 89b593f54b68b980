import { z } from 'zod';
import type { events } from '../database/schema.js';
import { id } from '../http/id.js';

export const event = z.object({
  id,
  name: z.string(),
  priceCents: z.int(),
  seatCount: z.int(),
});
/** An event as it is cached and shown. */
export type Event = z.infer<typeof event>;

export const eventChanges = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    priceCents: z.int().min(0).max(1_000_000),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'name or priceCents must be given');
export type EventChanges = z.infer<typeof eventChanges>;

export const eventKey = (eventId: string): string => `event:${eventId}`;

/** An ETag is the version of the cache entry, so this is also how long a client may think before its PATCH. */
export const EVENT_TTL = '5m';

export function toEvent({ id, name, priceCents, seatCount }: typeof events.$inferSelect): Event {
  return { id, name, priceCents, seatCount };
}

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

export const eventPage = event.extend({ seatsLeft: z.int() });
/** What a buyer looks at first: the event, and how many of its seats are not sold yet. */
export type EventPage = z.infer<typeof eventPage>;

export const eventChanges = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    priceCents: z.int().min(0).max(1_000_000),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'name or priceCents must be given');
export type EventChanges = z.infer<typeof eventChanges>;

export const eventKey = (eventId: string): string => `event:${eventId}`;

/** Of what shows an event. */
export const eventTag = (eventId: string): string => `event:${eventId}`;

/**
 * Two sales that invalidate the same tag at the same moment conflict, so those of an event have several: most sales find one that nobody else is writing.
 * A page carries them all, and each is a version that its readers compare.
 */
const SALES_TAGS = 16;

/** Of what shows how many seats an event has left: the tag that the sale of a seat invalidates. */
export const salesTag = (eventId: string, seatNumber: number): string => `sales:${eventId}:${seatNumber % SALES_TAGS}`;

/** All tags of the page of an event. */
export function pageTags(eventId: string): string[] {
  return [eventTag(eventId), ...Array.from({ length: SALES_TAGS }, (_, i) => salesTag(eventId, i))];
}

/** Of what shows all events. */
export const EVENTS_TAG = 'events';

/** Pages are invalidated by their tags: this is for rows that change elsewhere. */
export const PAGE_TTL = '5m';

/** An ETag is the version of the cache entry, so this is also how long a client may think before its PATCH. */
export const EVENT_TTL = '5m';

export function toEvent({ id, name, priceCents, seatCount }: typeof events.$inferSelect): Event {
  return { id, name, priceCents, seatCount };
}

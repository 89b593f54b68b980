import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { and, asc, eq, inArray, lt, ne } from 'drizzle-orm';
import { Cached, TransactionalCache } from 'nestjs-cache-txn';
import type { SqlAdapter } from '../database/database.js';
import { events, seats } from '../database/schema.js';
import {
  type Event,
  EVENT_TTL,
  type EventChanges,
  eventKey,
  type EventPage,
  EVENTS_TAG,
  eventTag,
  toEvent,
} from './event.js';

@Injectable()
export class EventsService {
  constructor(
    private readonly sql: TransactionHost<SqlAdapter>,
    private readonly cache: TransactionalCache,
  ) {}

  /** From the cache, else from SQL into the cache, unless something has overtaken the fill. */
  @Cached('event:{args.0}', { ttl: EVENT_TTL })
  get(id: string): Promise<Event> {
    return this.load(id);
  }

  /** From SQL: what is charged never comes from a cache. */
  async priceCents(id: string): Promise<number> {
    return (await this.load(id)).priceCents;
  }

  async load(id: string): Promise<Event> {
    const [row] = await this.sql.tx.select().from(events).where(eq(events.id, id));
    if (!row) throw new NotFoundException(`There is no event ${id}`);
    return toEvent(row);
  }

  async list(): Promise<Event[]> {
    const rows = await this.sql.tx.select().from(events).orderBy(asc(events.id));
    return rows.map(toEvent);
  }

  async page(id: string): Promise<EventPage> {
    const unsold = and(eq(seats.eventId, id), ne(seats.status, 'sold'));
    return { ...(await this.load(id)), seatsLeft: await this.sql.tx.$count(seats, unsold) };
  }

  async some(ids: readonly string[]): Promise<Event[]> {
    const rows = await this.sql.tx
      .select()
      .from(events)
      .where(inArray(events.id, [...ids]));
    return rows.map(toEvent);
  }

  /** Row and entry change together, and so do the pages that show the event; If-Match is checked by that same commit, so a 412 leaves both as they were. */
  @Transactional()
  async update(id: string, changes: EventChanges, fence: number): Promise<Event> {
    // The fence guards against a holder that was paused, lost the lock without noticing, and goes on now.
    const [row] = await this.sql.tx
      .update(events)
      .set({ ...changes, fence })
      .where(and(eq(events.id, id), lt(events.fence, fence)))
      .returning();
    if (!row) throw new ConflictException(`Event ${id} is unknown, or has been changed by a newer request`);
    const event = toEvent(row);
    await this.cache.set(eventKey(id), event, { ttl: EVENT_TTL });
    await this.cache.invalidateTags(EVENTS_TAG, eventTag(id));
    return event;
  }
}

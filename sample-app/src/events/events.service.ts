import { ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { and, eq, lt } from 'drizzle-orm';
import { PreconditionFailedError, TransactionalCache } from 'nestjs-cache-txn';
import { DATABASE, type Database } from '../database/database.js';
import { events } from '../database/schema.js';
import { SqlTransactions } from '../database/sql-transactions.js';
import { type Event, EVENT_TTL, type EventChanges, eventKey, toEvent } from './event.js';

@Injectable()
export class EventsService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly sqlTransactions: SqlTransactions,
    private readonly cache: TransactionalCache,
  ) {}

  /** From the cache, else from SQL into the cache; the caller's `@CacheTxn` drops a fill that something overtook. */
  async get(id: string): Promise<Event> {
    const cached = await this.cache.get<Event>(eventKey(id));
    if (cached) return cached;
    const [row] = await this.db.select().from(events).where(eq(events.id, id));
    if (!row) throw new NotFoundException(`There is no event ${id}`);
    const event = toEvent(row);
    await this.cache.set(eventKey(id), event, { ttl: EVENT_TTL });
    return event;
  }

  /** Part of the caller's SQL transaction: what is charged never comes from a cache. */
  async priceCents(tx: Database, id: string): Promise<number> {
    const [row] = await tx.select().from(events).where(eq(events.id, id));
    if (!row) throw new NotFoundException(`There is no event ${id}`);
    return row.priceCents;
  }

  /**
   * Changes the row, then the entry, under the event's lock.
   *
   * The commit checks If-Match, but it comes after SQL has committed, and SQL would keep what the client is told was
   * refused. So it is checked here first: as long as the lock is held, nobody else changes the event.
   */
  async update(id: string, changes: EventChanges, ifMatch: string, fence: number): Promise<Event> {
    const entry = await this.cache.getEntry<Event>(eventKey(id));
    if (!entry || !isNamed(entry.version, ifMatch)) {
      throw new PreconditionFailedError(`Event ${id} has changed or its ETag has expired; read it again`);
    }
    // The fence guards against a holder that was paused, lost the lock without noticing, and goes on now.
    const [row] = await this.sqlTransactions.run((tx) =>
      tx
        .update(events)
        .set({ ...changes, fence })
        .where(and(eq(events.id, id), lt(events.fence, fence)))
        .returning(),
    );
    if (!row) throw new ConflictException(`Event ${id} has been changed by a newer request`);
    const event = toEvent(row);
    await this.cache.set(eventKey(id), event, { ttl: EVENT_TTL });
    return event;
  }
}

/** Whether If-Match, `*` or a list of tags, has this version. */
function isNamed(version: number, ifMatch: string): boolean {
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  return tags.includes('*') || tags.includes(`"${version}"`);
}

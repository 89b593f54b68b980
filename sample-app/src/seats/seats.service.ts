import { HttpStatus, Injectable, NotFoundException } from '@nestjs/common';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { and, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { CacheTxn, Locked, TransactionalCache } from 'nestjs-cache-txn';
import type { SqlAdapter } from '../database/database.js';
import { seats } from '../database/schema.js';
import { salesTag } from '../events/event.js';
import { EventsService } from '../events/events.service.js';
import { Refusal } from '../http/refusal.js';
import { WalletsService } from '../wallets/wallets.service.js';
import { type Seat, SEAT_TTL, seatIdsOf, seatKey, toSeat } from './seat.js';

/** Time by the database's clock, the same for all processes. */
const isExpired = and(eq(seats.status, 'held'), lt(seats.heldUntil, sql`now()`));

/** A condition of the UPDATE itself, so that SQL refuses a second sale even where no lock kept the buyers apart. */
const isOpenTo = (buyer: string) =>
  or(eq(seats.status, 'free'), and(eq(seats.status, 'held'), eq(seats.buyer, buyer)), isExpired);

type SeatRow = typeof seats.$inferSelect;
type SeatChange =
  { readonly status: 'held'; readonly heldUntil: SQL } | { readonly status: 'sold'; readonly heldUntil: null };

@Injectable()
export class SeatsService {
  constructor(
    private readonly sql: TransactionHost<SqlAdapter>,
    private readonly cache: TransactionalCache,
    private readonly events: EventsService,
    private readonly wallets: WalletsService,
  ) {}

  /** All cached seats in one round trip; the missing ones are loaded with one query, and each fills its entry. While Redis is away that is all of them. */
  async list(eventId: string): Promise<Seat[]> {
    const keys = seatIdsOf(await this.events.get(eventId)).map(seatKey);
    const found = await this.cache.getOrLoadMany<Seat>(keys, (missing) => this.load(missing), { ttl: SEAT_TTL });
    return keys.map((key) => found.get(key)).filter((seat) => seat !== undefined);
  }

  /** Holding again prolongs. */
  @Transactional()
  async hold(id: string, buyer: string): Promise<Seat> {
    const row = await this.change(id, buyer, { status: 'held', heldUntil: sql`now() + interval '5 minutes'` });
    return this.keep(row);
  }

  /** Part of the caller's transaction, as is the invalidation of the pages that show the event; answers the event of the seat. */
  async sell(id: string, buyer: string): Promise<string> {
    const row = await this.change(id, buyer, { status: 'sold', heldUntil: null });
    await this.keep(row);
    await this.cache.invalidateTags(salesTag(row.eventId, row.number));
    return row.eventId;
  }

  /** Up to `limit` seats whose buyers did not come back. */
  async expiredHolds(limit: number): Promise<string[]> {
    const rows = await this.sql.tx.select({ id: seats.id }).from(seats).where(isExpired).limit(limit);
    return rows.map(({ id }) => id);
  }

  /** Frees a seat whose hold has expired; one that somebody is just buying is left alone. */
  @Locked('seat:{args.0}', { onBusy: 'skip' })
  @CacheTxn()
  @Transactional()
  async release(id: string): Promise<void> {
    const [row] = await this.sql.tx
      .update(seats)
      .set({ status: 'free', buyer: null, heldUntil: null })
      .where(and(eq(seats.id, id), isExpired))
      .returning();
    if (row) await this.keep(row);
  }

  private async change(id: string, buyer: string, to: SeatChange): Promise<SeatRow> {
    await this.wallets.find(buyer);
    const [row] = await this.sql.tx
      .update(seats)
      .set({ ...to, buyer })
      .where(and(eq(seats.id, id), isOpenTo(buyer)))
      .returning();
    if (row) return row;
    const [taken] = await this.sql.tx.select().from(seats).where(eq(seats.id, id));
    if (!taken) throw new NotFoundException(`There is no seat ${id}`);
    if (taken.status === 'sold') throw new Refusal(HttpStatus.CONFLICT, 'SEAT_SOLD', `Seat ${id} is sold`);
    throw new Refusal(HttpStatus.CONFLICT, 'SEAT_HELD', `Seat ${id} is held for somebody else`);
  }

  private async keep(row: SeatRow): Promise<Seat> {
    const seat = toSeat(row);
    await this.cache.set(seatKey(seat.id), seat, { ttl: SEAT_TTL });
    return seat;
  }

  private async load(keys: readonly string[]): Promise<ReadonlyMap<string, Seat>> {
    const ids = keys.map((key) => key.slice(seatKey('').length));
    const rows = await this.sql.tx.select().from(seats).where(inArray(seats.id, ids));
    return new Map(rows.map((row) => [seatKey(row.id), toSeat(row)]));
  }
}

import { HttpStatus, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { and, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { CacheTxn, Locked, TransactionalCache } from 'nestjs-cache-txn';
import { DATABASE, type Database } from '../database/database.js';
import { seats } from '../database/schema.js';
import { SqlTransactions } from '../database/sql-transactions.js';
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
    @Inject(DATABASE) private readonly db: Database,
    private readonly sqlTransactions: SqlTransactions,
    private readonly cache: TransactionalCache,
    private readonly events: EventsService,
    private readonly wallets: WalletsService,
  ) {}

  /** All cached seats in one round trip; the missing ones come from SQL and fill their entries. */
  async list(eventId: string): Promise<Seat[]> {
    const ids = seatIdsOf(await this.events.get(eventId));
    const found = await this.cache.getMany<Seat>(ids.map(seatKey));
    const missing = ids.filter((id) => !found.has(seatKey(id)));
    if (missing.length > 0) {
      const rows = await this.db.select().from(seats).where(inArray(seats.id, missing));
      const fills = new Map(rows.map((row) => [seatKey(row.id), toSeat(row)]));
      await this.cache.setMany(fills, { ttl: SEAT_TTL });
      for (const [key, seat] of fills) found.set(key, seat);
    }
    return ids.flatMap((id) => found.get(seatKey(id)) ?? []);
  }

  /** Under the seat's lock: SQL first, then the entry. Holding again prolongs. */
  async hold(id: string, buyer: string): Promise<Seat> {
    const heldUntil = sql`now() + interval '5 minutes'`;
    const row = await this.sqlTransactions.run((tx) => this.change(tx, id, buyer, { status: 'held', heldUntil }));
    const seat = toSeat(row);
    await this.cache.set(seatKey(id), seat, { ttl: SEAT_TTL });
    return seat;
  }

  /** Part of the caller's SQL transaction; the caller writes the entry. */
  async sell(tx: Database, id: string, buyer: string): Promise<{ seat: Seat; eventId: string }> {
    const row = await this.change(tx, id, buyer, { status: 'sold', heldUntil: null });
    return { seat: toSeat(row), eventId: row.eventId };
  }

  /** Up to `limit` seats whose buyers did not come back. */
  async expiredHolds(limit: number): Promise<string[]> {
    const rows = await this.db.select({ id: seats.id }).from(seats).where(isExpired).limit(limit);
    return rows.map(({ id }) => id);
  }

  /** Frees a seat whose hold has expired; one that somebody is just buying is left alone. */
  @Locked('seat:{args.0}', { onBusy: 'skip' })
  @CacheTxn()
  async release(id: string): Promise<void> {
    const [row] = await this.sqlTransactions.run((tx) =>
      tx
        .update(seats)
        .set({ status: 'free', buyer: null, heldUntil: null })
        .where(and(eq(seats.id, id), isExpired))
        .returning(),
    );
    if (row) await this.cache.set(seatKey(id), toSeat(row), { ttl: SEAT_TTL });
  }

  private async change(tx: Database, id: string, buyer: string, to: SeatChange): Promise<SeatRow> {
    await this.wallets.find(tx, buyer);
    const [row] = await tx
      .update(seats)
      .set({ ...to, buyer })
      .where(and(eq(seats.id, id), isOpenTo(buyer)))
      .returning();
    if (row) return row;
    const [taken] = await tx.select().from(seats).where(eq(seats.id, id));
    if (!taken) throw new NotFoundException(`There is no seat ${id}`);
    if (taken.status === 'sold') throw new Refusal(HttpStatus.CONFLICT, 'SEAT_SOLD', `Seat ${id} is sold`);
    throw new Refusal(HttpStatus.CONFLICT, 'SEAT_HELD', `Seat ${id} is held for somebody else`);
  }
}

import { bigint, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** The tables as queries see them; create-tables.ts makes them and holds the constraints. */
export const events = pgTable('events', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  priceCents: integer('price_cents').notNull(),
  seatCount: integer('seat_count').notNull(),
  /** Of the lock under which the row was last changed: an older holder who wakes up late is refused. */
  fence: bigint('fence', { mode: 'number' }).notNull(),
});

export const wallets = pgTable('wallets', {
  id: text('id').primaryKey(),
  balanceCents: integer('balance_cents').notNull(),
});

export const seats = pgTable('seats', {
  id: text('id').primaryKey(),
  eventId: text('event_id').notNull(),
  number: integer('number').notNull(),
  status: text('status', { enum: ['free', 'held', 'sold'] }).notNull(),
  buyer: text('buyer'),
  heldUntil: timestamp('held_until', { withTimezone: true }),
});

export const orders = pgTable('orders', {
  id: text('id').primaryKey(),
  seatId: text('seat_id').notNull(),
  buyer: text('buyer').notNull(),
  priceCents: integer('price_cents').notNull(),
});

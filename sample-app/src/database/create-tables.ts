import { sql } from 'drizzle-orm';
import type { Database } from './database.js';

/** Any number that nothing else in the database locks. */
const SCHEMA_LOCK = 20_261_122;

/**
 * The constraints keep the box office right without any cache or lock around it: a seat is sold once, nobody pays what
 * they do not have. An application that lives longer would have migrations here.
 */
const TABLES = [
  sql`CREATE TABLE IF NOT EXISTS events (
    id text PRIMARY KEY,
    name text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    -- All seats of an event are read in one transaction, which takes at most 128 keys.
    seat_count integer NOT NULL CHECK (seat_count BETWEEN 1 AND 100),
    fence bigint NOT NULL DEFAULT 0
  )`,
  sql`CREATE TABLE IF NOT EXISTS wallets (
    id text PRIMARY KEY,
    balance_cents integer NOT NULL CHECK (balance_cents >= 0)
  )`,
  sql`CREATE TABLE IF NOT EXISTS seats (
    id text PRIMARY KEY,
    event_id text NOT NULL REFERENCES events,
    number integer NOT NULL,
    status text NOT NULL DEFAULT 'free' CHECK (status IN ('free', 'held', 'sold')),
    buyer text REFERENCES wallets CHECK ((buyer IS NULL) = (status = 'free')),
    held_until timestamptz CHECK ((held_until IS NULL) = (status <> 'held')),
    UNIQUE (event_id, number)
  )`,
  sql`CREATE INDEX IF NOT EXISTS seats_held ON seats (held_until) WHERE status = 'held'`,
  sql`CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    seat_id text NOT NULL UNIQUE REFERENCES seats,
    buyer text NOT NULL REFERENCES wallets,
    price_cents integer NOT NULL CHECK (price_cents >= 0)
  )`,
];

/** Something to sell and somebody to buy it; what is there already stays as it is. */
const SEED = [
  sql`INSERT INTO events (id, name, price_cents, seat_count) VALUES
    ('gala', 'Opening gala', 4500, 50), ('matinee', 'Sunday matinee', 1200, 20) ON CONFLICT DO NOTHING`,
  sql`INSERT INTO wallets (id, balance_cents) VALUES
    ('ada', 10000), ('grace', 10000), ('linus', 2000) ON CONFLICT DO NOTHING`,
  sql`INSERT INTO seats (id, event_id, number)
    SELECT e.id || '-' || n, e.id, n FROM events e, generate_series(1, e.seat_count) n ON CONFLICT DO NOTHING`,
];

/** Makes and fills what is missing. Processes that start at the same time take turns. */
export async function createTables(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`);
    for (const statement of [...TABLES, ...SEED]) await tx.execute(statement);
  });
}

import { NestFactory } from '@nestjs/core';
import { CacheTxnModule, redisStore, type RedisStoreOptions, TransactionalCache } from 'nestjs-cache-txn';
import type pg from 'pg';
import { serverRemains } from '../../../test/support/history/server-remains.js';
import { observer, type ServerAddress } from '../../../test/support/servers/redis-access.js';
import { eventKey } from '../../src/events/event.js';
import { orderKey } from '../../src/orders/order.js';
import { seatKey, toSeat } from '../../src/seats/seat.js';
import { walletKey } from '../../src/wallets/wallet.js';

const NAMESPACE = 'box-office';
/** What one call of the cache takes. */
const KEYS_AT_ONCE = 100;

/** Compares every entry with its row: read as the box office reads them, but by somebody who fills nothing. */
export class EntryAudit {
  private constructor(
    private readonly sql: pg.Client,
    private readonly cache: TransactionalCache,
    readonly close: () => Promise<void>,
  ) {}

  static async start(sql: pg.Client, options: RedisStoreOptions): Promise<EntryAudit> {
    const module = CacheTxnModule.forRoot({ store: redisStore(options), namespace: NAMESPACE });
    const app = await NestFactory.createApplicationContext(module, { logger: ['error'] });
    return new EntryAudit(sql, app.get(TransactionalCache), () => app.close());
  }

  /** How many entries there are, and those that are not what their row is. */
  async compare(): Promise<{ readonly found: number; readonly wrong: readonly string[] }> {
    const rows = await this.rows();
    const keys = [...rows.keys()];
    const wrong: string[] = [];
    let found = 0;
    for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
      for (const [key, value] of await this.cache.getMany(keys.slice(from, from + KEYS_AT_ONCE))) {
        found += 1;
        const [entry, row] = [JSON.stringify(value), JSON.stringify(rows.get(key))];
        if (entry !== row) wrong.push(`${key} is ${entry}, and its row ${row}`);
      }
    }
    return { found, wrong };
  }

  private async rows(): Promise<ReadonlyMap<string, unknown>> {
    const rowsOf = async (query: string) => (await this.sql.query<{ id: string }>(query)).rows;
    const events = await rowsOf('SELECT id, name, price_cents AS "priceCents", seat_count AS "seatCount" FROM events');
    const seats = await rowsOf('SELECT id, number, status, buyer, held_until AS "heldUntil" FROM seats');
    const wallets = await rowsOf('SELECT id, balance_cents AS "balanceCents" FROM wallets');
    const orders = await rowsOf('SELECT id, seat_id AS "seatId", buyer, price_cents AS "priceCents" FROM orders');
    return new Map<string, unknown>([
      ...events.map((row) => [eventKey(row.id), row] as const),
      ...seats.map((row) => [seatKey(row.id), toSeat(row as Parameters<typeof toSeat>[0])] as const),
      ...wallets.map((row) => [walletKey(row.id), row] as const),
      ...orders.map((row) => [orderKey(row.id), row] as const),
    ]);
  }
}

/** What transactions have left on these masters: intents, lists of open transactions. Locks end with their leases. */
export async function leftBehind(masters: readonly ServerAddress[]): Promise<readonly string[]> {
  const all = await Promise.all(
    masters.map(async (master) => {
      const redis = observer(master);
      try {
        return await serverRemains(redis, NAMESPACE);
      } finally {
        redis.disconnect();
      }
    }),
  );
  return all.flat().filter((what) => !what.startsWith('field '));
}

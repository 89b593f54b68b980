import { randomUUID } from 'node:crypto';
import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { TransactionalCache } from 'nestjs-cache-txn';
import { DATABASE, type Database } from '../database/database.js';
import { orders } from '../database/schema.js';
import { SqlTransactions } from '../database/sql-transactions.js';
import { EventsService } from '../events/events.service.js';
import { SEAT_TTL, seatKey } from '../seats/seat.js';
import { SeatsService } from '../seats/seats.service.js';
import { WALLET_TTL, walletKey } from '../wallets/wallet.js';
import { WalletsService } from '../wallets/wallets.service.js';
import { type Order, ORDER_TTL, orderKey, type OrderRequest } from './order.js';

@Injectable()
export class OrdersService {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly sqlTransactions: SqlTransactions,
    private readonly cache: TransactionalCache,
    private readonly events: EventsService,
    private readonly seats: SeatsService,
    private readonly wallets: WalletsService,
  ) {}

  /**
   * Sells a seat, under the locks of seat and wallet: one SQL transaction, then one cache transaction.
   *
   * They are two commits. The cache is written blindly, without reading it first, so that no version conflict can
   * refuse its commit after SQL has committed. A crash, a lost lock, a lost store or a client that leaves can still come
   * exactly between them: then the order stands, the client does not know, and the old entries live until their TTL.
   * Hence short TTLs, and no decision that reads the cache.
   */
  async place({ buyer, seatId }: OrderRequest): Promise<Order> {
    const { order, seat, wallet } = await this.sqlTransactions.run(async (tx) => {
      const { seat, eventId } = await this.seats.sell(tx, seatId, buyer);
      const priceCents = await this.events.priceCents(tx, eventId);
      const wallet = await this.wallets.take(tx, buyer, priceCents);
      const order: Order = { id: randomUUID(), seatId, buyer, priceCents };
      await tx.insert(orders).values(order);
      return { order, seat, wallet };
    });
    await this.cache.set(seatKey(seatId), seat, { ttl: SEAT_TTL });
    await this.cache.set(walletKey(buyer), wallet, { ttl: WALLET_TTL });
    await this.cache.set(orderKey(order.id), order, { ttl: ORDER_TTL });
    return order;
  }

  async get(id: string): Promise<Order> {
    const cached = await this.cache.get<Order>(orderKey(id));
    if (cached) return cached;
    const [order] = await this.db.select().from(orders).where(eq(orders.id, id));
    if (!order) throw new NotFoundException(`There is no order ${id}`);
    await this.cache.set(orderKey(id), order, { ttl: ORDER_TTL });
    return order;
  }
}

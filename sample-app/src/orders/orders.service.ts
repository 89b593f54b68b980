import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { eq } from 'drizzle-orm';
import { TransactionalCache } from 'nestjs-cache-txn';
import type { SqlAdapter } from '../database/database.js';
import { orders } from '../database/schema.js';
import { EventsService } from '../events/events.service.js';
import { SeatsService } from '../seats/seats.service.js';
import { WalletsService } from '../wallets/wallets.service.js';
import { type Order, ORDER_TTL, orderKey, type OrderRequest } from './order.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly sql: TransactionHost<SqlAdapter>,
    private readonly cache: TransactionalCache,
    private readonly events: EventsService,
    private readonly seats: SeatsService,
    private readonly wallets: WalletsService,
  ) {}

  /** Sells a seat: seat, wallet and order, rows and entries, in one commit or not at all. */
  @Transactional()
  async place({ buyer, seatId }: OrderRequest): Promise<Order> {
    const eventId = await this.seats.sell(seatId, buyer);
    const priceCents = await this.events.priceCents(eventId);
    await this.wallets.take(buyer, priceCents);
    const order: Order = { id: randomUUID(), seatId, buyer, priceCents };
    await this.sql.tx.insert(orders).values(order);
    await this.cache.set(orderKey(order.id), order, { ttl: ORDER_TTL });
    return order;
  }

  async get(id: string): Promise<Order> {
    const order = await this.cache.getOrLoad(orderKey(id), () => this.load(id), { ttl: ORDER_TTL });
    if (!order) throw new NotFoundException(`There is no order ${id}`);
    return order;
  }

  private async load(id: string): Promise<Order | undefined> {
    const [order] = await this.sql.tx.select().from(orders).where(eq(orders.id, id));
    return order;
  }
}

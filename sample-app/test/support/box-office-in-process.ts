import { expect } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { eq, sql } from 'drizzle-orm';
import { type PostgresServer, startPostgresServer } from '../../../test/support/servers/postgres-server.js';
import { createApp } from '../../src/create-app.js';
import { DATABASE, type Database } from '../../src/database/database.js';
import { events, orders, seats, wallets } from '../../src/database/schema.js';
import { type Answer, HttpClient } from './http-client.js';

/**
 * The box office in this process, on the embedded store, with buyers and seats for each test. Its rows are on a server: an embedded PostgreSQL takes several times as
 * long to start, and start.spec.ts plays every request on one.
 */
export class BoxOfficeInProcess {
  private made = 0;

  private constructor(
    readonly app: INestApplication,
    readonly db: Database,
    readonly http: HttpClient,
    private readonly postgres: PostgresServer,
  ) {}

  static async start(): Promise<BoxOfficeInProcess> {
    const postgres = await startPostgresServer();
    const app = await createApp({ port: 0, host: '127.0.0.1', databaseUrl: postgres.url });
    await app.listen(0, '127.0.0.1');
    return new BoxOfficeInProcess(app, app.get(DATABASE), new HttpClient(await app.getUrl()), postgres);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.postgres.stop();
  }

  async newWallet(balanceCents: number): Promise<string> {
    const id = `buyer-${++this.made}`;
    await this.db.insert(wallets).values({ id, balanceCents });
    return id;
  }

  /** An event with two seats, `<id>-1` and `<id>-2`, at 100 cents each. */
  async newEvent(): Promise<string> {
    const id = `event-${++this.made}`;
    await this.db.insert(events).values({ id, name: 'Rehearsal', priceCents: 100, seatCount: 2, fence: 0 });
    const numbers = [1, 2];
    await this.db
      .insert(seats)
      .values(numbers.map((number) => ({ id: `${id}-${number}`, eventId: id, number, status: 'free' as const })));
    return id;
  }

  /** A free seat of a new event. */
  async newSeat(): Promise<string> {
    return `${await this.newEvent()}-1`;
  }

  async expireHold(seatId: string): Promise<void> {
    const aSecondAgo = sql`now() - interval '1 second'`;
    await this.db.update(seats).set({ heldUntil: aSecondAgo }).where(eq(seats.id, seatId));
  }

  async eventRow(id: string) {
    return only(await this.db.select().from(events).where(eq(events.id, id)));
  }

  async seatRow(id: string) {
    return only(await this.db.select().from(seats).where(eq(seats.id, id)));
  }

  async ordersOf(seatId: string) {
    return this.db.select().from(orders).where(eq(orders.seatId, seatId));
  }

  async balanceOf(walletId: string): Promise<number> {
    return only(await this.db.select().from(wallets).where(eq(wallets.id, walletId))).balanceCents;
  }
}

function only<Row>(rows: readonly Row[]): Row {
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

/** Every refusal, of the library, of a validation or of the box office itself, has one shape. */
export function expectRefusal({ status, body }: Answer, statusCode: number, code: string): void {
  expect({ status, ...body }).toEqual({ status: statusCode, statusCode, code, message: expect.anything() });
}

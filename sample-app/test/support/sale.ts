import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Order } from '../../src/orders/order.js';
import type { Answer, HttpClient } from './http-client.js';

const BUYERS = 60;
export const SEATS = 50;
const PRICE = 1_000;
/** Enough for one seat only: whoever does not know whether an order went through can simply order again. */
const MONEY = 1_500;
/** Far longer than a failover takes, or the lease of a lock whose holder is dead. */
const MOST_REFUSALS = 150;
/** Shorter ones would be a storm that keeps a small machine from the failover itself. */
const PAUSE_MS = 400;
/** What buyers hear of an outage beside 503, and of those who hold seats; everything else is a refusal of the box office, or a fault of it. */
const ASK_AGAIN = ['LOCK_TIMEOUT', 'VERSION_CONFLICT', 'SEAT_HELD'];

/** How buyers come, and what they do. */
interface BuyersManner {
  /** Whether every other one holds a seat before buying it. Default false. */
  readonly holdFirst?: boolean;
  /** Between two who come, in ms. Default 0: all come at once. */
  readonly comeEveryMs?: number;
}

/** A sale during which something fails, and what must be true of it afterwards. */
export class Sale {
  private readonly soldOut = new Set<string>();
  /** They do not know whether they have a seat. */
  private readonly unsure = new Set<string>();

  /** @param name of the event and of its buyers, an id */
  constructor(
    private readonly name: string,
    private readonly sql: pg.Client,
    private readonly offices: () => readonly HttpClient[],
    private readonly manner: BuyersManner = {},
  ) {}

  async open(): Promise<void> {
    const { name, sql } = this;
    await sql.query(
      `INSERT INTO wallets SELECT '${name}-fan-' || n, ${MONEY} FROM generate_series(0, ${BUYERS - 1}) n`,
    );
    await sql.query(
      `INSERT INTO events (id, name, price_cents, seat_count) VALUES ('${name}', 'Tour', ${PRICE}, ${SEATS})`,
    );
    await sql.query(
      `INSERT INTO seats (id, event_id, number) SELECT '${name}-' || n, '${name}', n FROM generate_series(1, ${SEATS}) n`,
    );
  }

  /**
   * Everybody buys; `afterAnswer` hears how many buyers have their answer.
   * @returns the orders that buyers know of, and who was left in doubt on the way
   */
  async run(afterAnswer: (answered: number) => void): Promise<{ told: Order[]; unsure: ReadonlySet<string> }> {
    let answered = 0;
    const bought = await Promise.all(
      Array.from({ length: BUYERS }, async (_, buyer) => {
        await sleep(buyer * (this.manner.comeEveryMs ?? 0));
        const order = await this.buy(`${this.name}-fan-${buyer}`, buyer);
        answered += 1;
        afterAnswer(answered);
        return order;
      }),
    );
    return { told: bought.filter((order) => order !== undefined), unsure: this.unsure };
  }

  /** Every seat is sold once, and every cent accounted for; whoever has an answer has the seat. */
  async expectExactSql(told: readonly Order[]): Promise<void> {
    const { name } = this;
    const { rows: orders } = await this.sql.query<Order>(
      `SELECT id, seat_id AS "seatId", buyer, price_cents AS "priceCents" FROM orders WHERE seat_id LIKE '${name}-%'`,
    );
    expect(orders).toHaveLength(SEATS);
    expect(new Set(orders.map(({ seatId }) => seatId)).size).toBe(SEATS);
    expect(new Set(orders.map(({ buyer }) => buyer)).size).toBe(SEATS);
    expect(orders).toEqual(expect.arrayContaining([...told]));
    // Who has a seat has the answer too, but for those who were cut off.
    const untold = orders.filter(({ id }) => !told.some((order) => order.id === id)).map(({ buyer }) => buyer);
    expect(untold.filter((buyer) => !this.unsure.has(buyer))).toEqual([]);

    const { rows: seats } = await this.sql.query<{ seatId: string; buyer: string }>(
      `SELECT id AS "seatId", buyer FROM seats WHERE status = 'sold' AND event_id = '${name}'`,
    );
    const bySeat = (a: { seatId: string }, b: { seatId: string }): number => a.seatId.localeCompare(b.seatId);
    const sold = orders.map(({ seatId, buyer }) => ({ seatId, buyer }));
    expect(seats.sort(bySeat)).toEqual(sold.sort(bySeat));
    const { rows: payers } = await this.sql.query<{ buyer: string; left: number }>(
      `SELECT id AS buyer, balance_cents AS "left" FROM wallets WHERE id LIKE '${name}-fan-%' AND balance_cents <> ${MONEY}`,
    );
    expect(new Set(payers.map(({ buyer }) => buyer))).toEqual(new Set(orders.map(({ buyer }) => buyer)));
    expect(payers.every(({ left }) => left === MONEY - PRICE)).toBe(true);
  }

  /**
   * Goes from seat to seat until one is bought, the money is gone, or all are sold; in an outage asks again. Between
   * orders the buyer looks at the list and at the wallet, so that there are fills to be overtaken.
   */
  private async buy(buyer: string, first: number): Promise<Order | undefined> {
    const wishes = Array.from({ length: SEATS }, (_, n) => `${this.name}-${1 + ((first * 31 + n) % SEATS)}`);
    let refusals = 0;
    while (refusals < MOST_REFUSALS) {
      const seatId = wishes.find((id) => !this.soldOut.has(id));
      if (seatId === undefined) return undefined;
      const offices = this.offices();
      const office = offices[(first + refusals) % offices.length]!;
      // Whoever may have a seat already takes no other from those who have none.
      if (this.manner.holdFirst && first % 2 === 0 && !this.unsure.has(buyer))
        await answerOf(office.post(`/seats/${seatId}/hold`, { buyer }));
      const answer = await answerOf(office.post('/orders', { buyer, seatId }));
      const { status, body } = answer ?? { status: 503, body: {} };
      if (status === 201 || body.code === 'SEAT_SOLD') this.soldOut.add(seatId);
      if (status === 201) return body as Order;
      if (body.code === 'NOT_ENOUGH_MONEY') return undefined;
      if (body.code === 'SEAT_SOLD') continue;
      if (status === 503) this.unsure.add(buyer);
      else expect(ASK_AGAIN).toContain(body.code);
      refusals += 1;
      await Promise.all([answerOf(office.get(`/wallets/${buyer}`)), sleep(PAUSE_MS)]);
    }
    throw new Error(`${buyer} was refused ${MOST_REFUSALS} times`);
  }
}

/** Undefined when the process is gone. */
async function answerOf(answer: Promise<Answer>): Promise<Answer | undefined> {
  return answer.catch(() => undefined);
}

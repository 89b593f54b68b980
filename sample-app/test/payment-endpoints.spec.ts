import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { events } from '../src/database/schema.js';
import { BoxOfficeInProcess, expectRefusal } from './support/box-office-in-process.js';
import type { HttpClient } from './support/http-client.js';

let office: BoxOfficeInProcess;
let http: HttpClient;

beforeAll(async () => {
  office = await BoxOfficeInProcess.start();
  ({ http } = office);
}, 60_000);

afterAll(async () => {
  await office.stop();
}, 20_000);

describe('POST /orders', () => {
  it('sells the seat, charges the wallet and remembers the order; all three can be read at once', async () => {
    const [event, buyer] = [await office.newEvent(), await office.newWallet(1_000)];
    const [first, second] = [`${event}-1`, `${event}-2`];
    await Promise.all([http.get(`/wallets/${buyer}`), http.get(`/events/${event}/seats`)]);

    const placed = await http.post('/orders', { buyer, seatId: first });

    expect(placed.status).toBe(201);
    expect(placed.body).toEqual({ id: expect.any(String), seatId: first, buyer, priceCents: 100 });
    const read = [`/orders/${placed.body.id}`, `/wallets/${buyer}`, `/events/${event}/seats`].map((path) =>
      http.get(path),
    );
    const [order, wallet, seatList] = await Promise.all(read);
    expect(order!.body).toEqual(placed.body);
    expect(wallet!.body).toEqual({ id: buyer, balanceCents: 900 });
    expect(seatList!.body).toMatchObject([
      { id: first, status: 'sold', buyer },
      { id: second, status: 'free', buyer: null },
    ]);
    expect(await office.balanceOf(buyer)).toBe(900);
    expect(await office.seatRow(first)).toMatchObject({ status: 'sold', buyer });
  });

  it('charges the price in SQL, whatever an old entry says', async () => {
    const [event, buyer] = [await office.newEvent(), await office.newWallet(1_000)];
    await http.get(`/events/${event}`);
    await office.db.update(events).set({ priceCents: 300 }).where(eq(events.id, event));

    expect((await http.post('/orders', { buyer, seatId: `${event}-1` })).body).toMatchObject({ priceCents: 300 });
  });

  it('refuses a seat that is sold or held for somebody else, until the hold has expired', async () => {
    const [seat, holder, buyer] = [await office.newSeat(), await office.newWallet(0), await office.newWallet(200)];
    await http.post(`/seats/${seat}/hold`, { buyer: holder });

    expectRefusal(await http.post('/orders', { buyer, seatId: seat }), 409, 'SEAT_HELD');
    await office.expireHold(seat);
    expect((await http.post('/orders', { buyer, seatId: seat })).status).toBe(201);
    expectRefusal(await http.post('/orders', { buyer, seatId: seat }), 409, 'SEAT_SOLD');
    expect(await office.balanceOf(buyer)).toBe(100);
  });

  it('answers 402 to an empty wallet and leaves seat and wallet as they were', async () => {
    const [seat, buyer] = [await office.newSeat(), await office.newWallet(99)];

    expectRefusal(await http.post('/orders', { buyer, seatId: seat }), 402, 'NOT_ENOUGH_MONEY');
    expect(await office.seatRow(seat)).toMatchObject({ status: 'free', buyer: null });
    expect((await http.get(`/wallets/${buyer}`)).body).toEqual({ id: buyer, balanceCents: 99 });
    expect(await office.ordersOf(seat)).toEqual([]);
  });

  it('refuses unknown seats, wallets and orders, and bodies that are none', async () => {
    const [seatId, buyer] = [await office.newSeat(), await office.newWallet(100)];

    expectRefusal(await http.post('/orders', { buyer, seatId: 'nowhere-1' }), 404, 'NOT_FOUND');
    expectRefusal(await http.post('/orders', { buyer: 'nobody', seatId }), 404, 'NOT_FOUND');
    expectRefusal(await http.get('/orders/none'), 404, 'NOT_FOUND');
    expectRefusal(await http.post('/orders', { buyer, seatId: 'Gala 1' }), 400, 'BAD_REQUEST');
    expectRefusal(await http.post('/orders', { buyer, seatId, price: 1 }), 400, 'BAD_REQUEST');
    // The lock needs its name before any validation runs.
    expectRefusal(await http.post('/orders', { buyer }), 400, 'KEY_TEMPLATE');
    expectRefusal(await http.post('/orders'), 400, 'KEY_TEMPLATE');
    expect((await office.seatRow(seatId)).status).toBe('free');
  });
});

describe('POST /transfers and GET /wallets/:id', () => {
  it('moves money; both wallets can be read at once', async () => {
    const [from, to] = [await office.newWallet(100), await office.newWallet(5)];
    await Promise.all([http.get(`/wallets/${from}`), http.get(`/wallets/${to}`)]);

    const answer = await http.post('/transfers', { from, to, amountCents: 40 });

    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ from: { id: from, balanceCents: 60 }, to: { id: to, balanceCents: 45 } });
    expect((await http.get(`/wallets/${from}`)).body).toEqual(answer.body.from);
    expect((await http.get(`/wallets/${to}`)).body).toEqual(answer.body.to);
    expect([await office.balanceOf(from), await office.balanceOf(to)]).toEqual([60, 45]);
  });

  it('moves nothing without enough money, or when one of the wallets does not exist', async () => {
    const [from, to] = [await office.newWallet(100), await office.newWallet(0)];

    expectRefusal(await http.post('/transfers', { from, to, amountCents: 101 }), 402, 'NOT_ENOUGH_MONEY');
    expectRefusal(await http.post('/transfers', { from, to: 'nobody', amountCents: 1 }), 404, 'NOT_FOUND');
    expectRefusal(await http.post('/transfers', { from: 'nobody', to, amountCents: 1 }), 404, 'NOT_FOUND');
    expect([await office.balanceOf(from), await office.balanceOf(to)]).toEqual([100, 0]);
    expectRefusal(await http.get('/wallets/nobody'), 404, 'NOT_FOUND');
  });

  it.each([
    { amountCents: 0 },
    { amountCents: 1.5 },
    { amountCents: -1 },
    { amountCents: '5' },
    { to: 'ada' },
    { from: 7 },
  ])('refuses a transfer with %j', async (change) => {
    const body = { from: 'ada', to: 'grace', amountCents: 1, ...change };
    expectRefusal(await http.post('/transfers', body), 400, 'BAD_REQUEST');
  });
});

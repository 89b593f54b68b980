import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { TransactionalCache } from 'nestjs-cache-txn';
import { events } from '../src/database/schema.js';
import { eventKey } from '../src/events/event.js';
import { EmbeddedBoxOffice, expectRefusal } from './support/embedded-box-office.js';
import type { HttpClient } from './support/http-client.js';

let office: EmbeddedBoxOffice;
let http: HttpClient;

beforeAll(async () => {
  office = await EmbeddedBoxOffice.start();
  ({ http } = office);
}, 60_000);

afterAll(async () => {
  await office.stop();
}, 20_000);

describe('GET /events/:id', () => {
  it('answers the event with an ETag, and 304 to whoever has it already', async () => {
    const first = await http.get('/events/gala');
    const again = await http.get('/events/gala', { 'if-none-match': first.etag! });

    expect(first.status).toBe(200);
    expect(first.body).toEqual({ id: 'gala', name: 'Opening gala', priceCents: 4500, seatCount: 50 });
    expect(first.etag).toMatch(/^"\d+"$/);
    expect(again).toEqual({ status: 304, etag: first.etag, body: '' });
  });

  it('refuses an unknown event and an id that is none', async () => {
    expectRefusal(await http.get('/events/nowhere'), 404, 'NOT_FOUND');
    expectRefusal(await http.get('/events/Gala'), 400, 'BAD_REQUEST');
  });
});

describe('PATCH /events/:id', () => {
  it('changes row and entry, and answers the next ETag', async () => {
    const id = await office.newEvent();
    const before = await http.get(`/events/${id}`);

    const patched = await http.patch(`/events/${id}`, { priceCents: 150 }, { 'if-match': before.etag! });
    const after = await http.get(`/events/${id}`);

    expect(patched.status).toBe(200);
    expect(patched.body).toEqual({ ...before.body, priceCents: 150 });
    expect(patched.etag).not.toBe(before.etag);
    expect(after).toEqual(patched);
    expect(await office.eventRow(id)).toMatchObject({ name: 'Rehearsal', priceCents: 150 });
    const next = await http.patch(
      `/events/${id}`,
      { name: 'Dress rehearsal' },
      { 'if-match': `"1", ${patched.etag!}` },
    );
    expect(next.body).toEqual({ ...before.body, priceCents: 150, name: 'Dress rehearsal' });
    expect((await http.patch(`/events/${id}`, { priceCents: 1 }, { 'if-match': '*' })).status).toBe(200);
  });

  it('answers 428 without If-Match, 412 with an old one, and changes nothing, not even in SQL', async () => {
    const id = await office.newEvent();
    const { etag } = await http.get(`/events/${id}`);
    await http.patch(`/events/${id}`, { priceCents: 150 }, { 'if-match': etag! });

    const stale = await http.patch(`/events/${id}`, { priceCents: 1 }, { 'if-match': etag! });
    const missing = await http.patch(`/events/${id}`, { priceCents: 2 });

    expectRefusal(stale, 412, 'PRECONDITION_FAILED');
    expectRefusal(missing, 428, 'PRECONDITION_REQUIRED');
    expect(await office.eventRow(id)).toMatchObject({ priceCents: 150 });
    expect((await http.get(`/events/${id}`)).body).toMatchObject({ priceCents: 150 });
  });

  it('lets one of several editors with the same ETag through; SQL and cache hold what that one wrote', async () => {
    const id = await office.newEvent();
    const { etag } = await http.get(`/events/${id}`);

    const prices = [1, 2, 3, 4, 5, 6];
    const answers = await Promise.all(
      prices.map((priceCents) => http.patch(`/events/${id}`, { priceCents }, { 'if-match': etag! })),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
    const { priceCents } = answers.find(({ status }) => status === 200)!.body;
    expect(await office.eventRow(id)).toMatchObject({ priceCents });
    expect((await http.get(`/events/${id}`)).body).toMatchObject({ priceCents });
  });

  it('answers 412 when the entry, and with it the ETag, is gone', async () => {
    const id = await office.newEvent();
    const { etag } = await http.get(`/events/${id}`);
    await office.app.get(TransactionalCache).delete(eventKey(id));

    expectRefusal(
      await http.patch(`/events/${id}`, { priceCents: 1 }, { 'if-match': etag! }),
      412,
      'PRECONDITION_FAILED',
    );
    expectRefusal(
      await http.patch(`/events/${id}`, { priceCents: 1 }, { 'if-match': '*' }),
      412,
      'PRECONDITION_FAILED',
    );
    expect(await office.eventRow(id)).toMatchObject({ priceCents: 100 });
  });

  it('refuses an older holder of the lock in SQL itself', async () => {
    const id = await office.newEvent();
    const { etag } = await http.get(`/events/${id}`);
    await office.db.update(events).set({ fence: Number.MAX_SAFE_INTEGER }).where(eq(events.id, id));

    expectRefusal(await http.patch(`/events/${id}`, { priceCents: 1 }, { 'if-match': etag! }), 409, 'CONFLICT');
    expect(await office.eventRow(id)).toMatchObject({ priceCents: 100 });
  });

  it.each([[{}], [{ priceCents: -1 }], [{ priceCents: '5' }], [{ name: ' ' }], [{ seatCount: 5 }], [[]], [undefined]])(
    'refuses the body %j',
    async (body) => {
      expectRefusal(await http.patch('/events/gala', body, { 'if-match': '*' }), 400, 'BAD_REQUEST');
    },
  );
});

describe('GET /events/:id/seats', () => {
  it('lists every seat once, in order, and shows a hold', async () => {
    const before = await http.get('/events/matinee/seats');
    await http.post('/seats/matinee-3/hold', { buyer: await office.newWallet(0) });
    const after = await http.get('/events/matinee/seats');

    expect(before.body.map(({ number }: { number: number }) => number)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(before.body[2]).toEqual({ id: 'matinee-3', number: 3, status: 'free', buyer: null, heldUntil: null });
    expect(after.body[2]).toMatchObject({ id: 'matinee-3', status: 'held' });
  });

  it('refuses an unknown event', async () => {
    expectRefusal(await http.get('/events/nowhere/seats'), 404, 'NOT_FOUND');
  });
});

describe('POST /seats/:id/hold', () => {
  it('keeps the seat for its buyer, who may ask again, and for nobody else', async () => {
    const [seat, buyer, other] = [await office.newSeat(), await office.newWallet(0), await office.newWallet(0)];

    const held = await http.post(`/seats/${seat}/hold`, { buyer });
    const again = await http.post(`/seats/${seat}/hold`, { buyer });
    const refused = await http.post(`/seats/${seat}/hold`, { buyer: other });

    expect(held.status).toBe(200);
    expect(held.body).toMatchObject({ id: seat, status: 'held', buyer });
    const minutes = (Date.parse(held.body.heldUntil) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(4);
    expect(minutes).toBeLessThan(6);
    expect(again.status).toBe(200);
    expectRefusal(refused, 409, 'SEAT_HELD');
    expect(await office.seatRow(seat)).toMatchObject({ status: 'held', buyer });
  });

  it('gives one of many buyers at once the seat', async () => {
    const seat = await office.newSeat();
    const buyers = await Promise.all(Array.from({ length: 8 }, () => office.newWallet(0)));

    const answers = await Promise.all(buyers.map((buyer) => http.post(`/seats/${seat}/hold`, { buyer })));

    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'SEAT_HELD')).toHaveLength(7);
    expect(await office.seatRow(seat)).toMatchObject({ status: 'held', buyer: winners[0]!.body.buyer });
  });

  it('refuses a sold seat, an unknown seat, an unknown buyer and a body without buyer', async () => {
    const [seat, buyer] = [await office.newSeat(), await office.newWallet(100)];
    await http.post('/orders', { buyer, seatId: seat });

    expectRefusal(await http.post(`/seats/${seat}/hold`, { buyer: await office.newWallet(0) }), 409, 'SEAT_SOLD');
    expectRefusal(await http.post('/seats/nowhere-1/hold', { buyer }), 404, 'NOT_FOUND');
    expectRefusal(await http.post(`/seats/${await office.newSeat()}/hold`, { buyer: 'nobody' }), 404, 'NOT_FOUND');
    expectRefusal(await http.post('/seats/gala-1/hold', {}), 400, 'BAD_REQUEST');
    expectRefusal(await http.post('/seats/gala-1/hold'), 400, 'BAD_REQUEST');
  });
});

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

describe('the API page', () => {
  it('is served at /docs, and its document describes every endpoint with its schemas', async () => {
    const page = await http.get('/docs');
    const { body } = await http.get('/docs-json');

    expect(page.status).toBe(200);
    expect(page.body).toContain('swagger-ui');
    const operations = Object.entries<object>(body.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'GET /events/{id}',
      'GET /events/{id}/seats',
      'GET /orders/{id}',
      'GET /wallets/{id}',
      'PATCH /events/{id}',
      'POST /orders',
      'POST /seats/{id}/hold',
      'POST /transfers',
    ]);
    const { requestBody } = body.paths['/orders'].post;
    expect(requestBody.content['application/json'].schema).toMatchObject({ required: ['buyer', 'seatId'] });
  });
});

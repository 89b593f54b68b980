import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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

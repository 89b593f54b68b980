import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CacheWarmUp } from 'nestjs-cache-txn';
import { BoxOfficeInProcess } from './support/box-office-in-process.js';

let office: BoxOfficeInProcess;

beforeAll(async () => {
  office = await BoxOfficeInProcess.start();
}, 60_000);

afterAll(async () => {
  await office.stop();
}, 20_000);

/** The body, and where it came from. */
async function look(path: string): Promise<[unknown, string | null]> {
  const response = await fetch(`${office.http.url}${path}`);
  return [await response.json(), response.headers.get('x-cache')];
}

describe('when the box office has started', () => {
  it('its events are cached before anybody asks', async () => {
    const warmUp = office.app.get(CacheWarmUp);
    await warmUp.ready;
    expect(warmUp.status()).toMatchObject([{ name: 'events', state: 'done', warmed: 2, loaded: 2 }]);
    expect(await look('/events/gala')).toMatchObject([{ id: 'gala', name: 'Opening gala' }, 'HIT']);
    expect(await look('/events/matinee')).toMatchObject([{ id: 'matinee', seatCount: 20 }, 'HIT']);
  });
});

describe('the page of an event', () => {
  let event: string;
  let page: string;
  let buyer: string;
  beforeEach(async () => {
    event = await office.newEvent();
    page = `/events/${event}/page`;
    buyer = await office.newWallet(250);
  });

  const order = (seat: string) => office.http.post('/orders', { buyer, seatId: seat });

  it('is loaded once, and again after a sale, when it shows what is left', async () => {
    expect(await look(page)).toMatchObject([{ id: event, name: 'Rehearsal', priceCents: 100, seatsLeft: 2 }, 'MISS']);
    expect(await look(page)).toMatchObject([{ seatsLeft: 2 }, 'HIT']);
    expect((await order(`${event}-1`)).status).toBe(201);
    expect(await look(page)).toMatchObject([{ seatsLeft: 1 }, 'MISS']);
    expect(await look(page)).toMatchObject([{ seatsLeft: 1 }, 'HIT']);
  });

  it('stays as it is when an order is refused, somebody holds a seat, or another event sells', async () => {
    await look(page);
    await office.http.post(`/seats/${event}-2/hold`, { buyer: await office.newWallet(0) });
    expect((await order(`${event}-2`)).status).toBe(409);
    expect((await order(await office.newSeat())).status).toBe(201);
    expect(await look(page)).toMatchObject([{ seatsLeft: 2 }, 'HIT']);
  });

  it('is that of before an order which is rolled back after it has sold the seat', async () => {
    buyer = await office.newWallet(99);
    await look(page);
    expect((await order(`${event}-1`)).status).toBe(402);
    expect(await look(page)).toMatchObject([{ seatsLeft: 2 }, 'HIT']);
  });

  it('changes with its event, and so does the list of all; a sale leaves that alone', async () => {
    await look('/events');
    expect((await order(`${event}-1`)).status).toBe(201);
    expect((await look('/events'))[1]).toBe('HIT');
    await look(page);
    const { etag } = await office.http.get(`/events/${event}`);
    await office.http.patch(`/events/${event}`, { name: 'Premiere' }, { 'if-match': etag! });
    expect(await look(page)).toMatchObject([{ name: 'Premiere', seatsLeft: 1 }, 'MISS']);
    const [list, cache] = await look('/events');
    expect(cache).toBe('MISS');
    expect(list).toContainEqual({ id: event, name: 'Premiere', priceCents: 100, seatCount: 2 });
  });

  it('of several sales at the same time shows them all', async () => {
    await look(page);
    const other = await office.newWallet(100);
    const answers = await Promise.all([
      order(`${event}-1`),
      office.http.post('/orders', { buyer: other, seatId: `${event}-2` }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(await look(page)).toMatchObject([{ seatsLeft: 0 }, 'MISS']);
  });
});

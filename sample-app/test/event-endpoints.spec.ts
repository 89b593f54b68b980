import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { TransactionalCache } from 'nestjs-cache-txn';
import { events } from '../src/database/schema.js';
import { eventKey } from '../src/events/event.js';
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

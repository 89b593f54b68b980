import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { LockService, TransactionalCache, TransactionCoordinator } from 'nestjs-cache-txn';
import { eventually } from '../../test/support/eventually.js';
import { eventKey } from '../src/events/event.js';
import { ExpiredHoldsJob } from '../src/seats/expired-holds.job.js';
import { seatKey } from '../src/seats/seat.js';
import { walletKey } from '../src/wallets/wallet.js';
import { WalletsService } from '../src/wallets/wallets.service.js';
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

describe('requests that change the same thing', () => {
  it.each([
    [
      'a hold',
      (_: Names) => ({ lock: `seat:${_.seat}`, send: () => http.post(`/seats/${_.seat}/hold`, { buyer: _.buyer }) }),
    ],
    ['an order, for the seat', (_: Names) => ({ lock: `seat:${_.seat}`, send: () => order(_) })],
    ['an order, for the wallet', (_: Names) => ({ lock: `wallet:${_.buyer}`, send: () => order(_) })],
    ['a transfer, for the payer', (_: Names) => ({ lock: `wallet:${_.buyer}`, send: () => transfer(_) })],
    ['a transfer, for the payee', (_: Names) => ({ lock: `wallet:${_.other}`, send: () => transfer(_) })],
    ['a change of an event', (_: Names) => ({ lock: `event:${_.event}`, send: () => patch(_) })],
  ])('wait for each other: %s', async (_what, requestFor) => {
    const names = {
      event: await office.newEvent(),
      seat: await office.newSeat(),
      buyer: await office.newWallet(100),
      other: await office.newWallet(0),
    };
    const { etag } = await http.get(`/events/${names.event}`);
    const { lock, send } = requestFor({ ...names, etag: etag! });
    const locks = office.app.get(LockService);

    const elsewhere = await locks.acquire(lock);
    const answer = send();
    await eventually(async () => (await locks.inspect(lock))?.waiters === 1, { what: `a waiter for ${lock}` });
    await elsewhere.release();

    expect((await answer).status).toBeLessThan(300);
  });

  interface Names {
    readonly event: string;
    readonly etag: string;
    readonly seat: string;
    readonly buyer: string;
    readonly other: string;
  }
  const order = ({ seat, buyer }: Names) => http.post('/orders', { buyer, seatId: seat });
  const transfer = ({ buyer, other }: Names) => http.post('/transfers', { from: buyer, to: other, amountCents: 1 });
  const patch = ({ event, etag }: Names) => http.patch(`/events/${event}`, { priceCents: 1 }, { 'if-match': etag });
});

describe('a fill that is overtaken', () => {
  /** Lets something happen between a reader's SELECT and the fill of the entry. */
  function beforeTheFillOf(overtaken: string, meanwhile: () => Promise<unknown>): void {
    const cache = office.app.get(TransactionalCache);
    const [getOrLoad, getOrLoadMany] = [cache.getOrLoad.bind(cache), cache.getOrLoadMany.bind(cache)];
    const late = <Args extends unknown[], T>(loader: (...args: Args) => T | Promise<T>) => {
      one.mockRestore();
      many.mockRestore();
      return async (...args: Args): Promise<T> => {
        const loaded = await loader(...args);
        await meanwhile();
        return loaded;
      };
    };
    const one = jest
      .spyOn(cache, 'getOrLoad')
      .mockImplementation((key, loader, options) => getOrLoad(key, key === overtaken ? late(loader) : loader, options));
    const many = jest
      .spyOn(cache, 'getOrLoadMany')
      .mockImplementation((keys, loader, options) =>
        getOrLoadMany(keys, keys.includes(overtaken) ? late(loader) : loader, options),
      );
  }

  it('by a transfer does not bring the old balance back', async () => {
    const [from, to] = [await office.newWallet(100), await office.newWallet(0)];
    beforeTheFillOf(walletKey(from), () => http.post('/transfers', { from, to, amountCents: 30 }));

    expect((await http.get(`/wallets/${from}`)).status).toBe(200);
    expect((await http.get(`/wallets/${from}`)).body).toEqual({ id: from, balanceCents: 70 });
  });

  it('by a hold does not bring the free seat back', async () => {
    const [event, buyer] = [await office.newEvent(), await office.newWallet(0)];
    beforeTheFillOf(seatKey(`${event}-1`), () => http.post(`/seats/${event}-1/hold`, { buyer }));

    expect((await http.get(`/events/${event}/seats`)).status).toBe(200);
    expect((await http.get(`/events/${event}/seats`)).body[0]).toMatchObject({ status: 'held', buyer });
  });

  it('by a change does not bring the old event back, nor with an ETag that permits to change it', async () => {
    const id = await office.newEvent();
    beforeTheFillOf(eventKey(id), async () => {
      // As another process fills the entry, for a client that changes the event then.
      await office.app.get(TransactionalCache).set(eventKey(id), await office.eventRow(id));
      expect((await http.patch(`/events/${id}`, { priceCents: 150 }, { 'if-match': '*' })).status).toBe(200);
    });

    const late = await http.get(`/events/${id}`);

    expect((await http.get(`/events/${id}`)).body).toMatchObject({ priceCents: 150 });
    const change = await http.patch(`/events/${id}`, { priceCents: 1 }, { 'if-match': late.etag ?? '"none"' });
    expectRefusal(change, 412, 'PRECONDITION_FAILED');
  });
});

describe('a buyer who hangs up', () => {
  it('before the commit has bought nothing, in SQL as in the cache', async () => {
    const [seatId, buyer] = [await office.newSeat(), await office.newWallet(100)];
    const [service, coordinator] = [office.app.get(WalletsService), office.app.get(TransactionCoordinator)];
    const take = service.take.bind(service);
    const hangUp = new AbortController();
    const seenBySql = new Promise<boolean>((resolve) => {
      jest.spyOn(service, 'take').mockImplementationOnce(async (...args) => {
        const { signal } = coordinator.current()!;
        hangUp.abort();
        await eventually(() => signal.aborted, { what: 'the end of the call' }).then(resolve, () => resolve(false));
        return take(...args);
      });
    });

    await expect(http.post('/orders', { buyer, seatId }, hangUp.signal)).rejects.toThrow('aborted');

    expect(await seenBySql).toBe(true);
    // The next order waits for the lock, and so for the end of the first.
    expectRefusal(await http.post('/orders', { buyer: 'nobody', seatId }), 404, 'NOT_FOUND');
    expect(await office.seatRow(seatId)).toMatchObject({ status: 'free', buyer: null });
    expect(await office.balanceOf(buyer)).toBe(100);
  });
});

describe('the job for expired holds', () => {
  it('puts a seat back on sale by itself, in SQL and in the cache', async () => {
    const [event, buyer] = [await office.newEvent(), await office.newWallet(0)];
    await http.post(`/seats/${event}-1/hold`, { buyer });
    expect((await http.get(`/events/${event}/seats`)).body[0]).toMatchObject({ status: 'held' });
    await office.expireHold(`${event}-1`);

    const isFree = async () => (await http.get(`/events/${event}/seats`)).body[0].status === 'free';
    await eventually(isFree, { what: 'a free seat', withinMs: 15_000, everyMs: 50 });

    expect(await office.seatRow(`${event}-1`)).toMatchObject({ status: 'free', buyer: null, heldUntil: null });
  }, 20_000);

  it('skips the run while another process does it, and a seat that somebody is just buying', async () => {
    const [seat, buyer] = [await office.newSeat(), await office.newWallet(0)];
    await http.post(`/seats/${seat}/hold`, { buyer });
    const [locks, job] = [office.app.get(LockService), office.app.get(ExpiredHoldsJob)];

    const elsewhere = await locks.acquire('job:expired-holds', { wait: '10s' });
    await office.expireHold(seat);
    await job.run();
    expect(await office.seatRow(seat)).toMatchObject({ status: 'held' });

    const checkout = await locks.acquire(`seat:${seat}`);
    await elsewhere.release();
    await job.run();
    expect(await office.seatRow(seat)).toMatchObject({ status: 'held' });

    await checkout.release();
    await eventually(async () => (await office.seatRow(seat)).status === 'free', {
      what: 'a free seat',
      withinMs: 15_000,
    });
  }, 30_000);
});

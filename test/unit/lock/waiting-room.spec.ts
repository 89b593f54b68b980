import { beforeEach, describe, expect, it } from '@jest/globals';
import { Acquisition } from '../../../src/lock/acquisition.js';
import { WaitingRoom } from '../../../src/lock/waiting-room.js';
import type { Handover } from '../../../src/store/lock-operations.js';
import { unavailable } from '../../support/stores/scripted-store.js';
import { followersOf, type LockProcess, LockWorld, observe } from './lock-world.js';

const handover = (fence: number, token = 'mine'): Handover => ({ token, name: 'a', fence });
const never = new AbortController().signal;

describe('the waiting room', () => {
  let world: LockWorld;
  let store: LockProcess['store'];
  let room: WaitingRoom;

  beforeEach(async () => {
    world = new LockWorld();
    store = (await world.process()).store;
    room = new WaitingRoom(store, world.clock, 10);
  });

  it('gives a hand-over to the waiter with its token, and a gap to all', async () => {
    const news = ['mine', 'theirs'].map((token) => observe(room.enter(token).next(1_000, [never])));
    store.tell(handover(1));
    await world.settle();
    expect(news.map(({ state }) => state)).toEqual(['fulfilled', 'pending']);
    expect(news[0]?.value).toEqual(handover(1));
    store.gap();
    await world.settle();
    expect(news[1]?.value).toBe('gap');
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('keeps the last news until they are asked for, and a hand-over rather than a gap', async () => {
    const seat = room.enter('mine');
    store.tell(handover(1));
    store.tell(handover(2));
    store.gap();
    await expect(seat.next(1_000, [never])).resolves.toEqual(handover(2));
    store.gap();
    store.tell(handover(3));
    await expect(seat.next(1_000, [never])).resolves.toEqual(handover(3));
    store.gap();
    await expect(seat.next(1_000, [never])).resolves.toBe('gap');
    const next = observe(seat.next(1_000, [never]));
    await world.elapse(1_000);
    expect(next.value).toBe('timeout');
  });

  it('ends a wait with its signal, also before unread news, and leaves no listener on it', async () => {
    const seat = room.enter('mine');
    const caller = new AbortController();
    const waiting = observe(seat.next(1_000, [caller.signal]));
    store.gap();
    await world.settle();
    expect([waiting.value, followersOf(caller.signal)]).toEqual(['gap', 0]);
    const left = new Error('left');
    const leaving = observe(seat.next(1_000, [caller.signal]));
    caller.abort(left);
    await world.settle();
    expect([leaving.error, world.clock.pendingTimers]).toEqual([left, 0]);
    store.tell(handover(1));
    await expect(seat.next(1_000, [caller.signal])).rejects.toBe(left);
  });

  it('is left by every waiter, however its acquisition ends', async () => {
    const acquisition = new Acquisition(
      store,
      room,
      world.clock,
      () => 0.5,
      () => undefined,
      1_000,
    );
    const wish = { names: ['a'], leaseMs: 60_000, deadlineMs: 500, signals: [never] };
    await acquisition.acquire({ ...wish, token: 'taken' });
    const busy = observe(acquisition.acquire({ ...wish, token: 'busy' }));
    await world.settle();
    expect(room.size).toBe(1);
    await world.elapse(500);
    store.next('acquireLocks', unavailable);
    const away = observe(acquisition.acquire({ ...wish, token: 'away' }));
    await world.settle();
    expect([busy.state, away.state, room.size]).toEqual(['rejected', 'rejected', 0]);
  });

  it('hears nothing any more once it is closed', () => {
    const before = store.listeners;
    room.close();
    expect(store.listeners).toBe(before - 2);
  });
});

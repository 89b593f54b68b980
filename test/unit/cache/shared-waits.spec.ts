import { beforeEach, describe, expect, it } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import type { Duration } from '../../../src/base/duration.js';
import { waitingCall } from '../../../src/cache/loading/waiting-call.js';
import { gate } from '../../support/stores/scripted-store.js';
import { observe } from '../lock/lock-world.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

/** A load of another process that has begun, and ends when the test says so. */
async function loading(value: unknown, options = {}, key = 'a') {
  const [begun, end] = [milestone(), milestone()];
  const call = other.cache.getOrLoad(
    key,
    async () => {
      begun.reach();
      await end.reached;
      return value;
    },
    { timeout: '1m', ...options },
  );
  call.catch(() => undefined);
  await begun.reached;
  return { call, end: end.reach };
}

describe('a call that waits with another of its process for the load of a third', () => {
  it('G51: does not fail because the wait of the other is over and its own loader fails', async () => {
    const theirs = await loading('theirs');
    const first = observe(
      app.cache.getOrLoad('a', () => Promise.reject(new Error('the first loader fails')), { wait: '1s' }),
    );
    await world.elapse(900);
    let loads = 0;
    const second = observe(app.cache.getOrLoad('a', () => ((loads += 1), 'ours'), { wait: '1s' }));
    await world.elapse(100);
    expect(first).toMatchObject({ state: 'rejected' });
    expect({ state: second.state, error: second.error }).toEqual({ state: 'pending', error: undefined });
    theirs.end();
    await world.settle();
    expect([second.value, loads]).toEqual(['theirs', 0]);
  });

  it('G51: gets the value of the third as soon as it is cached, though the other loads by itself, and slowly', async () => {
    const theirs = await loading('theirs');
    const slow = milestone();
    observe(app.cache.getOrLoad('a', () => slow.reached.then(() => 'slow'), { wait: '1s', timeout: '1m' }));
    await world.elapse(900);
    let loads = 0;
    const second = observe(app.cache.getOrLoad('a', () => ((loads += 1), 'ours'), { wait: '5s' }));
    await world.elapse(100);
    theirs.end();
    await world.elapse(300);
    expect(await other.cache.get('a')).toBe('theirs');
    expect([second.state, second.value]).toEqual(['fulfilled', 'theirs']);
    await world.elapse(5_000);
    expect(loads).toBe(0);
    slow.reach();
  });

  it('G51: of several options of wait, does not get LOAD_TIMEOUT of another one', async () => {
    const theirs = await loading('theirs');
    observe(app.cache.getOrLoad('a', () => new Promise(() => undefined), { wait: '10ms', timeout: '50ms' }));
    await world.settle();
    const second = observe(app.cache.getOrLoad('a', () => 'ours'));
    await world.elapse(100);
    expect({ state: second.state, error: second.error }).toEqual({ state: 'pending', error: undefined });
    theirs.end();
    await world.settle();
    expect(second.value).toBe('theirs');
  });
});

describe('a stale value', () => {
  it('G56: is not given to a call that allows none because another one that it waits with allows it', async () => {
    app.store.always('hint', 'drop-before');
    const theirs = await loading('theirs', { ttl: '20ms', staleWhileRevalidate: '1h' });
    const options = { ttl: '20ms', staleWhileRevalidate: '1h' } as const;
    const allows = observe(app.cache.getOrLoad('a', () => 'renewed', options));
    await world.settle();
    const allowsNone = observe(app.cache.getOrLoad('a', () => 'fresh', { ttl: '20ms' }));
    await world.elapse(20); // asks next at 50
    theirs.end();
    await world.elapse(30);
    await world.settle();
    expect(allows.value).toBe('theirs');
    expect(allowsNone.value).not.toBe('theirs');
  });
});

describe.each([0, 0.5])('with timers that are early by %d ms', (earlyMs) => {
  beforeEach(() => {
    const after = world.clock.after.bind(world.clock);
    // As those of Node are, by a part of a millisecond.
    world.clock.after = (ms, fn) => after(ms > 1 ? ms - earlyMs : ms, fn);
  });

  it('while the store is away a call that has waited for its turn, and loaded, does not load again when its turn comes', async () => {
    app.store.always('*', 'refuse');
    const slow = milestone();
    const first = observe(app.cache.getOrLoad('a', () => slow.reached.then(() => 1), { timeout: '1m' }));
    await world.settle();
    let loads = 0;
    const second = observe(app.cache.getOrLoad('a', () => (loads += 1), { wait: '1s' }));
    await world.elapse(1_000);
    expect([second.value, loads]).toEqual([1, 1]);
    slow.reach();
    await world.settle();
    expect([first.value, loads]).toEqual([1, 1]);
  });

  it('nobody asks the store because the waits of a hundred calls are over', async () => {
    const slow = milestone();
    observe(app.cache.getOrLoad('a', () => slow.reached.then(() => 1), { timeout: '1m' }));
    await world.settle();
    const calls = Array.from({ length: 100 }, () => observe(app.cache.getOrLoad('a', () => 'late', { wait: '1s' })));
    await world.settle();
    const asked = app.store.count('leaseFill');
    await world.elapse(1_000);
    expect(calls.map(({ value }) => value)).toEqual(Array(100).fill('late'));
    expect(app.store.count('leaseFill')).toBe(asked);
    slow.reach();
    await world.settle();
  });
});

it('G51: calls whose waits end one after the other take over the wait, and do not ask each', async () => {
  const theirs = await loading('theirs');
  const calls = [];
  for (let i = 0; i < 100; i += 1) {
    calls.push(observe(app.cache.getOrLoad('a', () => 'ours', { wait: '1s' })));
    await world.elapse(10);
  }
  await world.elapse(1_000);
  expect(calls.map(({ value }) => value)).toEqual(Array(100).fill('ours'));
  // A question for each call that comes, one for each that goes on with the wait, and looks in between.
  expect(app.store.count('leaseFill')).toBeLessThan(400);
  theirs.end();
  await world.settle();
});

describe('G51: a call whose wait is over', () => {
  const waits = [
    ['whose loader hangs', () => new Promise<never>(() => undefined), '30m'],
    ['whose loader has too little time', () => new Promise<never>(() => undefined), '50ms'],
    ['whose loader fails', () => Promise.reject(new Error('the first loader fails')), '1s'],
  ] as const;

  it.each(waits)('loads for itself, and has nothing of one %s', async (_what, load, timeout) => {
    const theirs = await loading('theirs', { timeout: '1h' });
    observe(app.cache.getOrLoad('a', load, { wait: '1s', timeout }));
    await world.elapse(1);
    const second = observe(app.cache.getOrLoad('a', () => 'ours', { wait: '1s', timeout: '10s' }));
    await world.elapse(1_100);
    expect(second.value).toBe('ours');
    theirs.end();
    await world.settle();
  });
});

describe('the turn of a call that waited for it while the store was away', () => {
  /** A call that loads until the test says so, and one that waits for its turn. */
  async function waiting(wait: Duration, signal = new AbortController().signal) {
    app.store.always('*', 'refuse');
    const [slow, late] = [milestone(), milestone()];
    observe(app.cache.getOrLoad('a', () => slow.reached, { timeout: '1m' }));
    await world.settle();
    const loads: string[] = [];
    const load = (who: string) => async () => {
      loads.push(who);
      await late.reached;
      return who;
    };
    const call = (who: string) => observe(app.cache.getOrLoad('a', load(who), { wait, timeout: '1m' }));
    const second = callScope.run(waitingCall, { signal }, () => call('second'));
    await world.settle();
    return { call, loads, second, end: slow.reach, endLate: late.reach };
  }

  it('is its own load: it loads once, although its wait ends meanwhile', async () => {
    const { loads, second, end, endLate } = await waiting('1s');
    await world.elapse(900);
    end();
    await world.elapse(200);
    expect([second.state, loads]).toEqual(['pending', ['second']]);
    endLate();
    await world.settle();
    expect([second.value, loads]).toEqual(['second', ['second']]);
  });

  it('passes to those that share it when its client has left', async () => {
    const leaving = new AbortController();
    const { call, loads, second, end, endLate } = await waiting('10s', leaving.signal);
    const third = call('third');
    await world.settle();
    leaving.abort(new DOMException('left', 'AbortError'));
    await world.settle();
    end();
    endLate();
    await world.settle();
    expect([second.state, third.value, loads]).toEqual(['rejected', 'third', ['third']]);
  });
});

it('a call that waits for a load before that has begun, and no longer than that, leaves it to be found by others', async () => {
  const [tags, slow] = [gate(), milestone()];
  app.store.next('readEntries', tags.lateReply);
  const first = observe(app.cache.getOrLoad('a', () => slow.reached.then(() => 'first'), { tags: ['t'] }));
  await world.settle();
  const early = observe(app.cache.getOrLoad('a', () => 'early', { wait: '1s' }));
  await world.settle();
  tags.open();
  await world.elapse(1_000);
  expect([first.state, early.value]).toEqual(['pending', 'early']);
  app.store.forget();
  const later = observe(app.cache.getOrLoad('a', () => 'later'));
  await world.elapse(1_000);
  expect(app.store.count('leaseFill')).toBe(1);
  slow.reach();
  await world.settle();
  expect(later.value).toBe('first');
});

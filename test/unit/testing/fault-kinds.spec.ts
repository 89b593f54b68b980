import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentSink } from '../../support/silent-sink.js';
import type { CommitRequest } from '../../../src/store/entry-operations.js';
import type { AcquireRequest, Handover } from '../../../src/store/lock-operations.js';
import type { Unsubscribe } from '../../../src/store/store.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { gate } from '../../../src/testing/faults/gate.js';
import { TestWorld } from '../../../src/testing/test-world.js';
import { observe } from '../lock/lock-world.js';

let world: TestWorld;
let store: FaultInjectingStore;

beforeEach(async () => {
  world = new TestWorld();
  store = await started();
});

async function started(): Promise<FaultInjectingStore> {
  const made = world.store();
  await made.start({ namespace: 'unit', processLabel: 'unit', report: silentSink, warn: () => undefined });
  return made;
}

let ids = 0;
const put = (key: string, value: unknown, txnId = `txn-${(ids += 1)}`): CommitRequest => ({
  txnId,
  operations: [{ kind: 'put', key, value: JSON.stringify(value), ttlMs: 0, strategy: 'timestamp' }],
  guards: [],
  outcomeTtlMs: 1_000,
});
const wish = (name: string, token: string, changes: Partial<AcquireRequest> = {}): AcquireRequest => ({
  names: [name],
  token,
  leaseMs: 60_000,
  claimMs: 60_000,
  queueMs: 60_000,
  maxWaiters: 10,
  ...changes,
});
const textOf = async (key: string): Promise<string | undefined> => (await store.inner.readEntries([key]))[0]?.value;

describe('a fault', () => {
  it('refuse: does not run, and says that it surely did not', async () => {
    store.next('commit', 'refuse');
    await expect(store.commit(put('a', 1))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `commit was refused: no connection (fault refuse of call 2, seed ${store.seed})`,
      details: { operation: 'commit', call: 2, fault: 'refuse' },
    });
    expect(await textOf('a')).toBeUndefined();
  });

  it('drop-before: does not run, and leaves that unknown', async () => {
    store.next('commit', 'drop-before');
    await expect(store.commit(put('a', 1))).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    expect(await textOf('a')).toBeUndefined();
  });

  it('drop-after: runs, and leaves that unknown', async () => {
    store.next('commit', 'drop-after');
    await expect(store.commit(put('a', 1))).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    expect(await textOf('a')).toBe('1');
  });

  it('delay-before: runs when the delay has passed on the clock', async () => {
    store.next('commit', { kind: 'delay-before', delay: '200ms' });
    const committing = observe(store.commit(put('a', 1)));
    await world.clock.advanceAsync(199);
    expect([committing.state, await textOf('a')]).toEqual(['pending', undefined]);
    await world.clock.advanceAsync(1);
    expect([committing.value.kind, await textOf('a')]).toEqual(['committed', '1']);
  });

  it('delay-after: runs at once, and answers when the delay has passed; 100 ms by default', async () => {
    store.next('commit', 'delay-after');
    const committing = observe(store.commit(put('a', 1)));
    await world.clock.advanceAsync(99);
    expect([committing.state, await textOf('a')]).toEqual(['pending', '1']);
    await world.clock.advanceAsync(1);
    expect(committing.value.kind).toBe('committed');
  });

  it('duplicate: runs twice in a row, and answers what the first run did', async () => {
    store.next('acquireLocks', 'duplicate');
    const first = await store.acquireLocks(wish('a', 'mine'));
    expect(first.kind).toBe('acquired');
    expect(store.journal.at(-1)).toMatchObject({ operation: 'acquireLocks', ran: 2, end: 'answered' });
  });

  it('duplicate with afterOperations: the copy arrives after later operations have run', async () => {
    store.next('releaseLocks', { kind: 'duplicate', afterOperations: 2 });
    await store.acquireLocks(wish('a', 'mine'));
    await store.releaseLocks({ names: ['a'], token: 'mine' });
    await store.acquireLocks(wish('b', 'mine'));
    expect([store.underway, store.journal[2]?.ran]).toEqual([1, 1]);
    await store.acquireLocks(wish('a', 'mine'));
    expect([store.underway, store.journal[2]?.ran]).toEqual([0, 2]);
    // It freed what the same token had taken again meanwhile.
    expect(await store.inner.inspectLock('a')).toBeNull();
  });

  it('late: its caller has given up when it runs, after later operations', async () => {
    store.next('commit', 'late');
    await expect(store.commit(put('a', 'late'))).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    expect(await textOf('a')).toBeUndefined();
    await store.commit(put('a', 'early'));
    expect(await textOf('a')).toBe('"late"');
  });

  it('late: arrives when the test says so, and is refused when it was declared aborted before', async () => {
    store.next('commit', { kind: 'late', afterOperations: 99 }, { kind: 'late', afterOperations: 99 });
    const [lost, aborted] = [put('a', 1), put('b', 2)];
    await expect(store.commit(lost)).rejects.toThrow('is late');
    await expect(store.commit(aborted)).rejects.toThrow('is late');
    await store.resolveCommit(aborted);
    await store.arrive();
    expect([store.underway, await textOf('a'), await textOf('b')]).toEqual([0, '1', undefined]);
  });

  it('late: is lost when the store stops first', async () => {
    store.next('commit', 'late');
    await expect(store.commit(put('a', 1))).rejects.toThrow('is late');
    await store.stop();
    expect(store.underway).toBe(0);
    expect(await (await started()).readEntries(['a'])).toEqual([undefined]);
  });

  it('of the test itself decides when and how often the operation runs, and sees the call', async () => {
    const seen: unknown[] = [];
    store.next('commit', async (run, { operation, request }) => {
      seen.push(operation, request);
      await run();
      return run();
    });
    const request = put('a', 1);
    expect((await store.commit(request)).kind).toBe('committed');
    expect(seen).toEqual(['commit', request]);
    expect(store.journal.at(-1)).toMatchObject({ fault: 'custom', ran: 2 });
  });

  it('makes renewals unknown, as the port answers where other operations throw', async () => {
    await store.acquireLocks(wish('a', 'mine'));
    const renewal = { name: 'a', token: 'mine', leaseMs: 60_000 };
    store.next('renewLocks', 'refuse', 'drop-before', 'drop-after');
    for (let i = 0; i < 3; i += 1) expect(await store.renewLocks([renewal, renewal])).toEqual(['unknown', 'unknown']);
    expect(await store.renewLocks([renewal])).toEqual(['held']);
  });

  it('lets errors of the store through a renewal, and those of faults of the test', async () => {
    store.next('renewLocks', async () => Promise.reject(new Error('mine')));
    await expect(store.renewLocks([])).rejects.toThrow('mine');
    await store.stop();
    await expect(store.renewLocks([])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('of start refuses the boot', async () => {
    const away = world.store();
    away.next('start', 'refuse');
    const context = { namespace: 'unit', processLabel: 'unit', report: silentSink, warn: () => undefined };
    await expect(away.start(context)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await away.start(context);
    expect(await away.readEntries(['a'])).toEqual([undefined]);
  });

  it.each([
    ['forceReleaseLock', () => store.forceReleaseLock('a')],
    ['inspectLock', () => store.inspectLock('a')],
    ['readEntries', () => store.readEntries(['a'])],
    ['resolveCommit', () => store.resolveCommit(put('a', 1))],
    ['listLocks', () => store.listLocks('*')[Symbol.asyncIterator]().next()],
  ] as const)('can meet %s', async (operation, call) => {
    store.next(operation, 'refuse');
    await expect(call()).rejects.toMatchObject({ details: { operation } });
    await call();
    expect(store.journal.at(-1)).toMatchObject({ operation, fault: undefined, ran: 1, end: 'answered' });
  });
});

describe('a gate', () => {
  it('stops the request until it is opened, and tells when it is there', async () => {
    const door = gate();
    store.next('commit', door.before);
    const committing = observe(store.commit(put('a', 1)));
    await door.reached;
    expect([committing.state, await textOf('a')]).toEqual(['pending', undefined]);
    door.open();
    await world.clock.advanceAsync(0);
    expect([committing.value.kind, await textOf('a')]).toEqual(['committed', '1']);
  });

  it('stops the answer until it is opened', async () => {
    const door = gate();
    store.next('commit', door.after);
    const committing = observe(store.commit(put('a', 1)));
    await door.reached;
    expect([committing.state, await textOf('a')]).toEqual(['pending', '1']);
    door.open();
    await world.clock.advanceAsync(0);
    expect(committing.value.kind).toBe('committed');
  });
});

describe('hand-over messages', () => {
  let heard: Handover[];
  let gaps: number;

  beforeEach(() => {
    heard = [];
    gaps = 0;
    store.onHandover((handover) => heard.push(handover));
    store.onHandoverGap(() => (gaps += 1));
  });

  async function handOver(name: string): Promise<void> {
    await store.acquireLocks(wish(name, 'holder'));
    await store.acquireLocks(wish(name, 'waiter'));
    await store.releaseLocks({ names: [name], token: 'holder' });
    await world.clock.advanceAsync(0);
  }

  it.each(['refuse', 'drop-before'] as const)('get lost by %s', async (fault) => {
    store.next('handover', fault);
    await handOver('a');
    expect(heard).toEqual([]);
    await handOver('b');
    expect(heard).toMatchObject([{ token: 'waiter', name: 'b' }]);
  });

  it('come late, twice, or after later operations', async () => {
    // The message is on its way before the release that caused it has answered, which is the first to overtake it.
    store.next('handover', 'delay-before', 'duplicate', { kind: 'late', afterOperations: 2 });
    await handOver('a');
    expect(heard).toEqual([]);
    await world.clock.advanceAsync(100);
    expect(heard.map(({ name }) => name)).toEqual(['a']);
    await handOver('b');
    expect(heard.map(({ name }) => name)).toEqual(['a', 'b', 'b']);
    await handOver('c');
    expect(heard.map(({ name }) => name)).toEqual(['a', 'b', 'b']);
    await store.readEntries(['x']);
    expect(heard.map(({ name }) => name)).toEqual(['a', 'b', 'b', 'c']);
  });

  it('are said to have a gap', () => {
    store.gap();
    expect(gaps).toBe(1);
  });

  it('reach nobody after the store has stopped', async () => {
    const other = await started();
    await store.acquireLocks(wish('a', 'waiter'));
    await store.stop();
    await other.forceReleaseLock('a');
    await world.clock.advanceAsync(0);
    expect([heard, gaps]).toEqual([[], 0]);
  });
});

describe('messages about changed entries', () => {
  let heard: string[];
  let unwatch: Unsubscribe;

  beforeEach(async () => {
    heard = [];
    unwatch = await store.watchEntries({
      changed: ({ key }) => heard.push(key),
      gap: () => heard.push('gap'),
      down: () => heard.push('down'),
    });
  });

  const write = (key: string): Promise<unknown> => store.commit(put(key, 'value'));

  it.each(['refuse', 'drop-before'] as const)('get lost by %s', async (fault) => {
    store.next('change', fault);
    await write('a');
    await write('b');
    expect(heard).toEqual(['b']);
  });

  it('come late, twice, or after later operations', async () => {
    store.next('change', 'delay-before', 'duplicate', { kind: 'late', afterOperations: 2 });
    await write('a');
    expect(heard).toEqual([]);
    await world.clock.advanceAsync(100);
    await write('b');
    await write('c');
    expect(heard).toEqual(['a', 'b', 'b']);
    await store.readEntries(['x']);
    expect(heard).toEqual(['a', 'b', 'b', 'c']);
  });

  it('are said to have a gap, and to come no more', () => {
    store.down();
    store.gap();
    expect(heard).toEqual(['down', 'gap']);
  });

  it('reach nobody who has ended the subscription, however late they are', async () => {
    store.next('change', { kind: 'late', afterOperations: 2 });
    await write('a');
    unwatch();
    await write('b');
    await store.arrive();
    store.gap();
    expect(heard).toEqual([]);
  });
});

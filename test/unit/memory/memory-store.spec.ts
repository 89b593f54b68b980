import { describe, expect, it, jest } from '@jest/globals';
import { InvalidOptionsError, StoreUnavailableError } from '../../../src/base/errors.js';
import { type ErrorSink } from '../../../src/base/error-sink.js';
import { silentSink } from '../../support/silent-sink.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { CommitRequest } from '../../../src/store/entry-operations.js';
import type { AcquireRequest } from '../../../src/store/lock-operations.js';
import type { CacheTxnStore, StoreContext } from '../../../src/store/store.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

const context = (changes: Partial<StoreContext> = {}): StoreContext => ({
  namespace: 'unit',
  processLabel: 'process',
  report: silentSink,
  warn: () => undefined,
  ...changes,
});

function request(token: string, changes: Partial<AcquireRequest> = {}): AcquireRequest {
  return { names: ['lock'], token, leaseMs: 1_000, claimMs: 1_000, queueMs: 0, maxWaiters: 10, ...changes };
}

function writing(keys: readonly string[], value = 'value'): CommitRequest {
  return {
    txnId: 'txn',
    operations: keys.map((key) => ({ kind: 'put', key, value, ttlMs: 0, strategy: 'timestamp' })),
    guards: [],
    outcomeTtlMs: 0,
  };
}

async function handOver(store: CacheTxnStore): Promise<void> {
  await store.acquireLocks(request('ann'));
  await store.acquireLocks(request('bob', { queueMs: 1_000 }));
  await store.releaseLocks({ names: ['lock'], token: 'ann' });
}

describe('memoryStore', () => {
  it('refuses every operation before it is started', async () => {
    const store = memoryStore();
    const operations = [
      () => store.acquireLocks(request('ann')),
      () => store.renewLocks([]),
      () => store.releaseLocks({ names: ['lock'], token: 'ann' }),
      () => store.forceReleaseLock('lock'),
      () => store.inspectLock('lock'),
      () => store.listLocks('*')[Symbol.asyncIterator]().next(),
      () => store.readEntries([]),
      () => store.commit(writing(['key'])),
      () => store.resolveCommit(writing(['key'])),
    ];
    for (const operation of operations) await expect(operation()).rejects.toThrow(StoreUnavailableError);
  });

  it('is started by one module at a time, and says how to share data', async () => {
    const store = memoryStore();
    await store.start(context());
    await expect(store.start(context())).rejects.toThrow(InvalidOptionsError);
    await expect(store.start(context())).rejects.toThrow('share data with memoryStore({ backend })');
    expect(await store.inspectLock('lock')).toBeNull();
  });

  it('may be started again after it was stopped, and has its data still', async () => {
    const store = memoryStore();
    await store.start(context());
    await store.commit(writing(['key']));
    await store.stop();
    await store.start(context());
    expect((await store.readEntries(['key']))[0]?.value).toBe('value');
  });

  it('refuses a namespace that is none, and is not started then', async () => {
    const store = memoryStore();
    await expect(store.start(context({ namespace: 'a:b' }))).rejects.toThrow(InvalidOptionsError);
    await expect(store.readEntries([])).rejects.toThrow(StoreUnavailableError);
  });

  it('shares nothing with another memory store', async () => {
    const [one, other] = [memoryStore(), memoryStore()];
    await Promise.all([one.start(context()), other.start(context())]);
    await one.commit(writing(['key']));
    await one.acquireLocks(request('ann'));
    expect(await other.readEntries(['key'])).toEqual([undefined]);
    expect(await other.inspectLock('lock')).toBeNull();
  });

  it('shares everything of its namespace through a backend, and nothing of other namespaces', async () => {
    const backend = new MemoryBackend();
    const [one, same, other] = [memoryStore({ backend }), memoryStore({ backend }), memoryStore({ backend })];
    await Promise.all([one.start(context()), same.start(context()), other.start(context({ namespace: 'other' }))]);
    await one.commit({ ...writing(['key']), outcomeTtlMs: 1_000 });
    await one.acquireLocks(request('ann'));
    expect((await same.readEntries(['key']))[0]?.value).toBe('value');
    expect((await same.acquireLocks(request('bob'))).kind).toBe('busy');
    expect((await same.resolveCommit(writing(['key']))).kind).toBe('committed');
    expect(await other.readEntries(['key'])).toEqual([undefined]);
    expect((await other.acquireLocks(request('bob'))).kind).toBe('acquired');
    expect((await other.resolveCommit(writing(['key']))).kind).toBe('aborted');
  });

  it('keeps the outcomes of the latest 10,000 commits, so that a busy process does not grow', async () => {
    const store = memoryStore();
    await store.start(context());
    const commitAs = (txnId: number): CommitRequest => ({
      ...writing(['key']),
      txnId: `${txnId}`,
      outcomeTtlMs: 30_000,
    });
    for (let id = 0; id <= 10_000; id += 1) await store.commit(commitAs(id));
    expect((await store.resolveCommit(commitAs(1))).kind).toBe('committed');
    expect((await store.resolveCommit(commitAs(0))).kind).toBe('aborted');
  });

  it('G20: refuses an aborted commit whatever happened since', async () => {
    const store = memoryStore();
    await store.start(context());
    const late = { ...writing(['late']), txnId: 'late', outcomeTtlMs: 30_000 };
    await store.resolveCommit(late);
    for (let id = 0; id <= 10_000; id += 1) {
      await store.commit({ ...writing(['key']), txnId: `${id}`, outcomeTtlMs: 30_000 });
    }
    expect(await store.commit(late)).toEqual({ kind: 'aborted' });
  });

  it('takes its time from outside', async () => {
    const clock = new ManualClock();
    const store = memoryStore({ timeUs: clock.timeUs });
    await store.start(context());
    await store.acquireLocks(request('ann'));
    clock.advance(999);
    expect((await store.inspectLock('lock'))?.expiresInMs).toBe(1);
    clock.advance(1);
    expect(await store.inspectLock('lock')).toBeNull();
  });

  it('refuses an option that does not exist', () => {
    expect(() => memoryStore({ maxEntires: 128 } as never)).toThrow(
      "memoryStore has no option 'maxEntires'; it has slots, maxEntries, timeUs",
    );
  });

  it.each([0, 127, 128.5, Number.NaN])('refuses %p as the number of entries', (maxEntries) => {
    expect(() => memoryStore({ maxEntries })).toThrow(InvalidOptionsError);
  });

  it('holds no more entries than it may, and evicts no lock', async () => {
    const store = memoryStore({ maxEntries: 128 });
    await store.start(context());
    for (let index = 0; index < 300; index += 1) {
      await store.acquireLocks(request('ann', { names: [`lock-${index}`], leaseMs: 60_000 }));
      await store.commit(writing([`key-${index}`]));
    }
    const entries = await store.readEntries(Array.from({ length: 300 }, (_, index) => `key-${index}`));
    expect(entries.map((entry) => entry !== undefined)).toEqual(
      Array.from({ length: 300 }, (_, index) => index >= 172),
    );
    const locks = new Set<string>();
    for await (const { name } of store.listLocks('*')) locks.add(name);
    expect(locks.size).toBe(300);
  });

  it('tells a hand-over after the caller’s own stack, never inside it', async () => {
    const store = memoryStore();
    await store.start(context());
    await store.acquireLocks(request('ann'));
    await store.acquireLocks(request('bob', { queueMs: 1_000 }));
    const heard = jest.fn();
    store.onHandover(heard);
    const releasing = store.releaseLocks({ names: ['lock'], token: 'ann' });
    expect(heard).not.toHaveBeenCalled();
    await releasing;
    await Promise.resolve();
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('tells a stopped process nothing', async () => {
    const backend = new MemoryBackend();
    const [one, waiting] = [memoryStore({ backend }), memoryStore({ backend })];
    await Promise.all([one.start(context()), waiting.start(context())]);
    const heard = jest.fn();
    waiting.onHandover(heard);
    await one.acquireLocks(request('ann'));
    await waiting.acquireLocks(request('bob', { queueMs: 1_000 }));
    const releasing = one.releaseLocks({ names: ['lock'], token: 'ann' });
    await waiting.stop();
    await releasing;
    expect(heard).not.toHaveBeenCalled();
  });

  it('reports a listener that throws, and tells the others all the same', async () => {
    const report = jest.fn<ErrorSink>();
    const heard = jest.fn();
    const store = memoryStore();
    const failure = new Error('listener');
    await store.start(context({ report }));
    store.onHandover(() => {
      throw failure;
    });
    store.onHandover(heard);
    await handOver(store);
    await Promise.resolve();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(report.mock.calls).toEqual([[failure, { during: 'hand-over listener', details: { name: 'lock' } }]]);
  });

  it('keeps nothing of the lists it was given or has answered', async () => {
    const store = memoryStore();
    await store.start(context());
    const names = ['lock'];
    const acquiring = store.acquireLocks(request('ann', { names }));
    names[0] = 'other';
    await acquiring;
    expect(await store.inspectLock('lock')).not.toBeNull();
    expect(await store.inspectLock('other')).toBeNull();
  });
});

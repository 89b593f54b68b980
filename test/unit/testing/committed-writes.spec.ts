import { AssertionError } from 'node:assert';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { silentSink } from '../../support/silent-sink.js';
import type { CommitOperation, CommitRequest } from '../../../src/store/entry-operations.js';
import {
  committedWrites,
  expectCommitted,
  expectNothingCommitted,
  expectOnlyCommitted,
} from '../../../src/testing/assertions/committed-writes.js';
import type { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { TestWorld } from '../../../src/testing/test-world.js';

let world: TestWorld;
let store: FaultInjectingStore;

beforeEach(async () => {
  world = new TestWorld();
  store = await started();
});

async function started(namespace = 'unit'): Promise<FaultInjectingStore> {
  const made = world.store();
  await made.start({ namespace, processLabel: 'unit', report: silentSink, warn: () => undefined });
  return made;
}

const put = (key: string, value: unknown): CommitOperation => ({
  kind: 'put',
  key,
  value: JSON.stringify(value),
  ttlMs: 5_000,
  strategy: 'timestamp',
});
const bump = (key: string): CommitOperation => ({ kind: 'bump', key, ttlMs: 0, strategy: 'timestamp' });
const remove = (key: string): CommitOperation => ({ kind: 'delete', key });
const absent = (key: string): CommitOperation => ({ kind: 'check', key, expected: { kind: 'version', version: 0 } });

let ids = 0;
const request = (...operations: CommitOperation[]): CommitRequest => ({
  txnId: `txn-${(ids += 1)}`,
  operations,
  guards: [],
  outcomeTtlMs: 1_000,
});

const messageOf = (fn: () => void): string => {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError);
    return (error as Error).message;
  }
  return 'nothing was thrown';
};

describe('committed writes', () => {
  it('are those of commits that were applied, in order, with value, version, time to live and transaction', async () => {
    await store.commit(request(put('a', { n: 1 }), absent('b'), bump('c')));
    await store.commit({ ...request(absent('a'), put('b', 1)), txnId: 'refused' });
    await store.commit({ ...request(remove('a')), txnId: 'last' });
    const writes = committedWrites(store);
    const versions = await store.readEntries(['c']);
    expect(writes).toMatchObject([
      { namespace: 'unit', kind: 'put', key: 'a', value: { n: 1 }, ttlMs: 5_000 },
      { kind: 'bump', key: 'c', value: undefined, version: versions[0]?.version, ttlMs: 0 },
      { txnId: 'last', kind: 'delete', key: 'a', value: undefined, version: 0, ttlMs: undefined },
    ]);
    expect(writes[0]?.txnId).toBe(writes[1]?.txnId);
    expect(writes[0]?.version).toBeGreaterThan(0);
  });

  it('count once, however often the commit was sent and whether its answer was lost', async () => {
    store.next('commit', 'drop-after', 'duplicate', { kind: 'duplicate', afterOperations: 1 });
    const lost = request(put('a', 1));
    await store.commit(lost).catch(() => undefined);
    await store.resolveCommit(lost);
    await store.commit(request(put('b', 2)));
    await store.commit(request(put('c', 3)));
    await store.readEntries(['a']);
    expect(committedWrites(store).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  it('do not have a commit that never ran, and have a late one when it has', async () => {
    store.next('commit', 'drop-before', 'refuse', { kind: 'late', afterOperations: 50 });
    for (const key of ['a', 'b', 'c']) await store.commit(request(put(key, 1))).catch(() => undefined);
    expectNothingCommitted(store);
    await store.arrive();
    expectOnlyCommitted(store, { c: 1 });
  });

  it('are those of all nodes that share the data, and of their own namespace only', async () => {
    const [second, stranger] = [await started(), await started('elsewhere')];
    await store.commit(request(put('a', 1)));
    await second.commit(request(put('b', 2)));
    await stranger.commit(request(put('c', 3)));
    for (const node of [store, second]) expect(committedWrites(node).map(({ key }) => key)).toEqual(['a', 'b']);
    expectOnlyCommitted(stranger, { c: 3 });
  });

  it('show a text that is no JSON as it is', async () => {
    await store.commit(request({ ...put('a', 1), value: 'no json' } as CommitOperation));
    expectOnlyCommitted(store, { a: 'no json' });
  });

  it('are forgotten for good: a late copy of an old commit does not come back', async () => {
    store.next('commit', { kind: 'duplicate', afterOperations: 50 });
    await store.commit(request(put('a', 1)));
    store.forget();
    await store.arrive();
    expectNothingCommitted(store);
    await store.commit(request(put('b', 1)));
    expectOnlyCommitted(store, { b: 1 });
  });
});

describe('assertions on committed writes', () => {
  beforeEach(async () => {
    await store.commit(request(put('seat:1', { buyer: 'ada' }), put('sold', 1)));
    await store.commit(request(put('sold', 2), put('hold', 1)));
    await store.commit(request(remove('hold'), bump('sold')));
  });

  it('hold for the last values, deleted keys and bumped ones included', () => {
    expectCommitted(store, { sold: 2 });
    expectCommitted(store, { 'seat:1': { buyer: 'ada' }, hold: undefined });
    expectOnlyCommitted(store, { 'seat:1': { buyer: 'ada' }, sold: 2, hold: undefined });
  });

  it('name each key that differs, and keep actual and expected for the runner', () => {
    const wrong = { 'seat:1': { buyer: 'bob' }, 'seat:2': 1, sold: 2, hold: 1 };
    expect(messageOf(() => expectCommitted(store, wrong))).toBe(
      [
        'not all is committed as expected:',
        "  seat:1: committed with { buyer: 'ada' }, expected with { buyer: 'bob' }",
        '  seat:2: never committed, expected with 1',
        '  hold: committed with no value (deleted), expected with 1',
      ].join('\n'),
    );
    expect(() => expectCommitted(store, wrong)).toThrow(
      expect.objectContaining({
        actual: { 'seat:1': { buyer: 'ada' }, sold: 2, hold: undefined },
        expected: wrong,
      }),
    );
  });

  it('see what should not have been written', () => {
    expect(messageOf(() => expectOnlyCommitted(store, { sold: 1, hold: undefined }))).toBe(
      [
        'other writes are committed than expected:',
        '  sold: committed with 2, expected with 1',
        "  seat:1: committed with { buyer: 'ada' }, expected not to be",
      ].join('\n'),
    );
    expect(messageOf(() => expectNothingCommitted(store))).toContain('sold: committed with 2, expected not to be');
  });

  it('tell a deleted key from one that was never written', () => {
    expect(messageOf(() => expectCommitted(store, { ghost: undefined }))).toContain(
      'ghost: never committed, expected with no value (deleted)',
    );
  });
});

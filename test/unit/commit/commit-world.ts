import type { CacheTxnError } from '../../../src/base/errors.js';
import { expect } from '@jest/globals';
import { Committer } from '../../../src/commit/committer.js';
import { DatabaseArbiter } from '../../../src/commit/deciders/database-arbiter.js';
import { EntryReader } from '../../../src/commit/entry-reader.js';
import { IntentResolver } from '../../../src/commit/recovery/intent-resolver.js';
import type { CommittedVersions, Proposal } from '../../../src/commit/protocol/proposal.js';
import { Recovery } from '../../../src/commit/recovery/recovery.js';
import type { TransactionDatabase } from '../../../src/commit/deciders/transaction-database.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { CommitOperation, Expectation, LockGuard } from '../../../src/store/entry-operations.js';
import type { PrepareRequest, WriteOperation } from '../../../src/store/intent-operations.js';
import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { silentSink } from '../../support/silent-sink.js';
import { observe } from '../lock/lock-world.js';

export const LONG_MS = 60_000;
const HOUR_MS = 3_600_000;
const SLOTS = 3;

/** What is behind the services of one application process, on a way to the store that a test can disturb. */
export interface CommitProcess {
  readonly store: FaultInjectingStore;
  readonly committer: Committer;
  readonly reader: EntryReader;
  readonly recovery: Recovery;
  /** What recovery and participants told of. */
  readonly reported: readonly CacheTxnError[];
  /** How often it has asked the store for this. */
  count(operation: StoreOperation): number;
}

/** Processes that share a store of three slots, all on one clock that moves only when the test says so. */
export class CommitWorld {
  readonly clock = new ManualClock();
  private readonly backend = new MemoryBackend({ slots: SLOTS, timeUs: this.clock.timeUs });
  private transactions = 0;

  /** @param database the one of its module, if it has one */
  async process(database?: TransactionDatabase): Promise<CommitProcess> {
    const store = new FaultInjectingStore(memoryStore({ backend: this.backend }), { clock: this.clock, seed: 1 });
    await store.start({ namespace: 'unit', processLabel: 'unit', report: silentSink, warn: () => undefined });
    store.forget();
    const reported: CacheTxnError[] = [];
    const report = (error: unknown): void => void reported.push(error as CacheTxnError);
    const arbiter = new DatabaseArbiter(database);
    return {
      store,
      committer: new Committer(store, this.clock, () => 0.5, { arbiter, report }),
      reader: new EntryReader(store, new IntentResolver(store, arbiter)),
      recovery: new Recovery(store, report, arbiter),
      reported,
      count: (operation) => store.journal.filter((call) => call.operation === operation).length,
    };
  }

  /** A key, and a lock name, of one of the slots 0, 1 and 2. */
  inSlot({ store }: CommitProcess, slot: number, prefix = 'k'): string {
    for (let i = 0; i < 1_000; i += 1) {
      const key = `{${prefix}${i}}`;
      if (store.slotOf('entry', key) === slot) return key;
    }
    throw new Error(`no key begins with ${prefix} in slot ${slot}`);
  }

  proposal(operations: readonly CommitOperation[], changes: Partial<Proposal> = {}): Proposal {
    this.transactions += 1;
    const deadlineMs = this.clock.now() + 10_000;
    return { txnId: `txn-${this.transactions}`, operations, guards: [], deadlineMs, ...changes };
  }

  /** Lets time pass, a minute at most, until the commit has its answer. */
  async commit({ committer }: CommitProcess, proposal: Proposal): Promise<CommittedVersions> {
    const running = committer.commit(proposal);
    const seen = observe(running);
    await this.clock.advanceAsync(0);
    for (let step = 0; seen.state === 'pending' && step < 600; step += 1) await this.clock.advanceAsync(100);
    return running;
  }

  /** Gives the keys a value each, in commits of their own. */
  async write(process: CommitProcess, keys: readonly string[], value: string): Promise<Map<string, number>> {
    const versions = new Map<string, number>();
    for (const key of keys) {
      const outcome = await process.store.inner.commit({
        txnId: `of ${key} at ${value}`,
        operations: [put(key, value)],
        guards: [],
        outcomeTtlMs: 0,
      });
      if (outcome.kind !== 'committed') throw new Error(`should write ${key}, but: ${outcome.kind}`);
      versions.set(key, outcome.versions[0] ?? 0);
    }
    return versions;
  }

  /** Takes a lock for the token `me`. */
  async hold({ store }: CommitProcess, name: string, leaseMs = LONG_MS): Promise<LockGuard> {
    const asking = { leaseMs, claimMs: leaseMs, queueMs: 0, maxWaiters: 1 };
    const { kind } = await store.inner.acquireLocks({ names: [name], token: 'me', ...asking });
    if (kind !== 'acquired') throw new Error(`should hold ${name}, but it is ${kind}`);
    return { name, token: 'me' };
  }

  /** Prepares a write of a transaction that somebody else has begun in one slot. */
  async prepared(
    { store }: CommitProcess,
    key: string,
    changes: Partial<PrepareRequest> = {},
    operation: WriteOperation = put(key, 'theirs'),
  ): Promise<PrepareRequest> {
    this.transactions += 1;
    const txnId = `other-${this.transactions}`;
    const times = { leftMs: LONG_MS, guardMs: LONG_MS };
    const request = { txnId, decider: key, operations: [operation], guards: [], ...times, ...changes };
    const { kind } = await store.inner.prepare(request);
    if (kind !== 'prepared') throw new Error(`should prepare ${key}, but: ${kind}`);
    return request;
  }

  /** Values of keys as any process reads them. */
  async values({ reader }: CommitProcess, keys: readonly string[]): Promise<(string | undefined)[]> {
    return (await reader.read(keys)).map((entry) => entry?.value);
  }

  /** An hour later, after whoever sweeps: no write waits beside these keys, and no transaction is on its way. */
  async expectNothingLeft(process: CommitProcess, keys: readonly string[]): Promise<void> {
    await this.clock.advanceAsync(HOUR_MS);
    await process.recovery.clearUp();
    expect(await process.store.inner.overdueTransactions(100)).toEqual([]);
    const entries = await process.store.inner.readEntries(keys);
    expect(entries.filter((entry) => entry?.intent !== undefined)).toEqual([]);
  }
}

export function put(key: string, value: string, expected?: Expectation): WriteOperation {
  return { kind: 'put', key, value, ttlMs: 0, strategy: 'timestamp', ...(expected && { expected }) };
}

export function check(key: string, version: number): CommitOperation {
  return { kind: 'check', key, expected: { kind: 'version', version } };
}

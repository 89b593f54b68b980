import type { Clock } from '../base/clock.js';
import { newId } from '../base/random.js';
import type { Committer } from '../commit/committer.js';
import type { EntryReader } from '../commit/entry-reader.js';
import type { CommittedVersions } from '../commit/protocol/proposal.js';
import type { LockService } from '../lock/lock.service.js';
import type { CommitOperation, EntryReadOptions, EntryRecord, VersionStrategy } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { noteCommitted } from '../version/resource-call.js';
import { readForCall } from '../version/resource-read.js';
import { callLocks, guardsOf, hasForeign } from './lock-guards.js';
import { mayReadCopies, mayReadReplica } from './replica-reads.js';
import { type BufferedWrite, TxnBuffer } from './txn-buffer.js';
import type { ResolvedTransactionOptions, TransactionLimits } from './txn.options.js';

/** What single operations share with the transactions of their coordinator. */
export interface StandAloneDependencies {
  readonly store: CacheTxnStore;
  readonly locks: LockService;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly reader: EntryReader;
  readonly strategy: VersionStrategy;
  /** Of a transaction without options of its own: a single operation has its limits and its time. */
  readonly options: ResolvedTransactionOptions;
  /** @throws ShuttingDownError `SHUTTING_DOWN` */
  readonly assertOpen: (isOfRunningCall: boolean) => void;
}

/** Reads and writes of the cache outside of transactions: every write is a commit of its own, guarded by the locks of the call. */
export class StandAlone {
  constructor(private readonly deps: StandAloneDependencies) {}

  /** From a replica only where nothing of the call depends on what it reads; see {@link mayReadReplica}. */
  read(keys: readonly string[], options?: EntryReadOptions): Promise<readonly (EntryRecord | undefined)[]> {
    const { options: limits, reader, store } = this.deps;
    checkReads(keys, limits);
    if (options?.from === 'replica' && mayReadReplica(store, keys)) return reader.read(keys, options);
    return readForCall(reader, keys);
  }

  /** The same, from copies in this process where there are some and the call may have them. */
  readNear(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    checkReads(keys, this.deps.options);
    return readForCall(this.deps.reader, keys, mayReadCopies());
  }

  /** Likewise, entries that are not what the call is about, whatever their number. */
  readApart(keys: readonly string[]): Promise<readonly (EntryRecord | undefined)[]> {
    const { reader } = this.deps;
    return mayReadCopies() ? reader.readNear(keys) : reader.read(keys);
  }

  write(writes: readonly (readonly [string, BufferedWrite])[]): Promise<CommittedVersions> {
    const buffer = new TxnBuffer(this.deps.options);
    buffer.putAll(writes);
    return this.commit(buffer.operations('read-committed', this.deps.strategy));
  }

  async commit(operations: readonly CommitOperation[]): Promise<CommittedVersions> {
    const { assertOpen, clock, committer, locks, options, store } = this.deps;
    const held = callLocks();
    assertOpen(held.length > 0);
    const deadlineMs = clock.now() + options.timeoutMs;
    const guards = guardsOf(held, locks);
    const isUrgent = hasForeign(held, locks);
    const assertLocksHeld = (): void => {
      for (const lock of held) lock.assertHeld();
    };
    const txnId = newId();
    const versions = await committer.commit({ txnId, operations, guards, isUrgent, assertLocksHeld, deadlineMs });
    noteCommitted(store, versions);
    return versions;
  }
}

/** What a transaction may read at once. A buffer costs more than the question whether it is needed. */
function checkReads(keys: readonly string[], limits: TransactionLimits): void {
  if (keys.length > limits.maxKeys) new TxnBuffer(limits).admitReads(keys);
}

import { ValueCodec } from '../cache/codec/value-codec.js';
import type { CommitOperation, CommitRequest } from '../store/entry-operations.js';
import type { PrepareRequest } from '../store/intent-operations.js';

/** One key that a transaction has written. */
export interface CommittedWrite {
  /** Of the application that wrote it. */
  readonly namespace: string;
  /** The same for all writes of one transaction. */
  readonly txnId: string;
  /** `bump` gives a new version and keeps the value. */
  readonly kind: 'put' | 'bump' | 'delete';
  readonly key: string;
  /** As it was given to the cache; undefined for `bump` and `delete`. */
  readonly value: unknown;
  /** Of the key afterwards; 0 when it was deleted. */
  readonly version: number;
  /** 0 is for ever; undefined for `delete`. */
  readonly ttlMs: number | undefined;
}

/** Commits that are kept; older ones are forgotten, so that a long run does not grow. */
const MAX_COMMITS = 50_000;

/** What was committed, in order. Several stores may share one, as the nodes of one test do. */
export class CommitLog {
  private readonly commits = new Map<string, readonly CommittedWrite[]>();
  private codec = new ValueCodec();
  /** What slots have prepared of transactions that are not decided. */
  private readonly prepared = new Map<
    string,
    { readonly operations: CommitOperation[]; readonly versions: number[] }
  >();

  /** The writes of the last 50,000 commits. */
  get writes(): readonly CommittedWrite[] {
    return [...this.commits.values()].flat();
  }

  /** A commit that is told of again (a duplicate, or one that was asked for) counts once. */
  record(
    namespace: string,
    { txnId, operations }: Pick<CommitRequest, 'txnId' | 'operations'>,
    versions: readonly number[],
  ): void {
    if (this.commits.has(txnId)) return;
    const writes = operations.flatMap((operation, i) =>
      operation.kind === 'check' ? [] : [this.writeOf(namespace, txnId, operation, versions[i] ?? 0)],
    );
    if (writes.length === 0) return;
    makeRoom(this.commits);
    this.commits.set(txnId, writes);
  }

  /** One slot of a transaction over several has prepared these writes. */
  prepare({ txnId, operations }: PrepareRequest, versions: readonly number[]): void {
    let prepared = this.prepared.get(txnId);
    if (prepared === undefined) {
      makeRoom(this.prepared);
      this.prepared.set(txnId, (prepared = { operations: [], versions: [] }));
    }
    for (const [i, operation] of operations.entries()) {
      if (prepared.operations.some(({ key }) => key === operation.key)) continue;
      prepared.operations.push(operation);
      prepared.versions.push(operation.kind === 'delete' ? 0 : (versions[i] ?? 0));
    }
  }

  /** The transaction was decided: what its slots have prepared is committed. */
  recordPrepared(namespace: string, txnId: string): void {
    const { operations, versions } = this.prepared.get(txnId) ?? { operations: [], versions: [] };
    this.record(namespace, { txnId, operations }, versions);
    this.prepared.delete(txnId);
  }

  /**
   * How the values of later commits are read; by default as JSON.
   * @internal
   */
  readWith(codec: ValueCodec): void {
    this.codec = codec;
  }

  forget(): void {
    // The ids stay, so that a late copy of a forgotten commit is not taken for a new one.
    for (const txnId of this.commits.keys()) this.commits.set(txnId, []);
  }

  private writeOf(
    namespace: string,
    txnId: string,
    operation: Exclude<CommitOperation, { kind: 'check' }>,
    version: number,
  ): CommittedWrite {
    const { kind, key } = operation;
    return {
      namespace,
      txnId,
      kind,
      key,
      value: kind === 'put' ? this.valueOfText(operation.value) : undefined,
      version,
      ttlMs: kind === 'delete' ? undefined : operation.ttlMs,
    };
  }

  /** What cannot be read was not written through the cache; its text says more than nothing. */
  private valueOfText(text: string): unknown {
    const decoded = this.codec.decode(text);
    return 'value' in decoded ? decoded.value : text;
  }
}

function makeRoom(transactions: Map<string, unknown>): void {
  for (const oldest of transactions.keys()) {
    if (transactions.size < MAX_COMMITS) return;
    transactions.delete(oldest);
  }
}

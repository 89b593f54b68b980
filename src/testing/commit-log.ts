import { decode } from '../cache/json-codec.js';
import type { CommitOperation, CommitRequest } from '../store/entry-operations.js';

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

  /** The writes of the last 50,000 commits. */
  get writes(): readonly CommittedWrite[] {
    return [...this.commits.values()].flat();
  }

  /** A commit that is told of again (a duplicate, or one that was asked for) counts once. */
  record(namespace: string, { txnId, operations }: CommitRequest, versions: readonly number[]): void {
    if (this.commits.has(txnId)) return;
    const writes = operations.flatMap((operation, i) =>
      operation.kind === 'check' ? [] : [writeOf(namespace, txnId, operation, versions[i] ?? 0)],
    );
    if (writes.length === 0) return;
    for (const oldest of this.commits.keys()) {
      if (this.commits.size < MAX_COMMITS) break;
      this.commits.delete(oldest);
    }
    this.commits.set(txnId, writes);
  }

  forget(): void {
    // The ids stay, so that a late copy of a forgotten commit is not taken for a new one.
    for (const txnId of this.commits.keys()) this.commits.set(txnId, []);
  }
}

function writeOf(
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
    value: kind === 'put' ? valueOf(operation.value) : undefined,
    version,
    ttlMs: kind === 'delete' ? undefined : operation.ttlMs,
  };
}

/** What is no JSON was not written through the cache; its text says more than nothing. */
function valueOf(text: string): unknown {
  const decoded = decode(text);
  return 'value' in decoded ? decoded.value : text;
}

import { LimitExceededError } from '../base/errors.js';
import type { CommitOperation, EntryRecord, Expectation, VersionStrategy } from '../store/entry-operations.js';
import { checkValueBytes, type Isolation, type TransactionLimits } from './txn.options.js';

/** A write that waits for the commit. */
export type BufferedWrite =
  | { readonly kind: 'put'; readonly value: string; readonly ttlMs: number }
  | { readonly kind: 'bump'; readonly ttlMs: number }
  | { readonly kind: 'delete' };

/** What a transaction sees of a key: its own write, else what it read first. */
export interface View {
  readonly value: string | undefined;
  /** The version read; 0 when there was no entry or it was never read. */
  readonly version: number;
}

/**
 * What a transaction has read and what it will write. The first read of a key stays the transaction's view of it.
 *
 * An overlay (`nested`) shares the reads, because they were made whatever becomes of its writes, and hands its writes
 * to its parent only when it succeeds.
 */
export class TxnBuffer {
  private readonly writes = new Map<string, BufferedWrite>();

  constructor(
    private readonly limits: TransactionLimits,
    private readonly parent?: TxnBuffer,
    private readonly reads = new Map<string, EntryRecord | undefined>(),
  ) {}

  overlay(): TxnBuffer {
    return new TxnBuffer(this.limits, this, this.reads);
  }

  /** Makes an overlay's writes its parent's. */
  mergeIntoParent(): void {
    for (const [key, write] of this.writes) this.parent?.put(key, write);
  }

  /** Undefined when the transaction neither wrote nor read the key. */
  view(key: string): View | undefined {
    const read = this.reads.get(key);
    const version = read?.version ?? 0;
    const write = this.writeOf(key);
    if (write?.kind === 'put') return { value: write.value, version };
    if (write?.kind === 'delete') return { value: undefined, version };
    return this.reads.has(key) ? { value: read?.value, version } : undefined;
  }

  /** Keeps the first read of a key and answers the record that counts. */
  recordRead(key: string, record: EntryRecord | undefined): EntryRecord | undefined {
    if (this.reads.has(key)) return this.reads.get(key);
    this.admit(key);
    this.reads.set(key, record);
    return record;
  }

  /** @throws LimitExceededError `LIMIT_EXCEEDED` */
  put(key: string, write: BufferedWrite): void {
    this.admit(key);
    if (write.kind === 'put') {
      const bytes = Buffer.byteLength(write.value);
      checkValueBytes(bytes, key);
      const total = this.bytes(key) + bytes;
      if (total > this.limits.maxBytes) {
        throw new LimitExceededError(
          `the transaction would write ${total} bytes, the limit is ${this.limits.maxBytes}; split it`,
          {
            details: { bytes: total, limit: this.limits.maxBytes },
          },
        );
      }
    }
    const kept = this.writeOf(key);
    // A bump keeps the value, so a value written before it stays.
    if (write.kind === 'bump' && kept?.kind === 'put') return;
    this.writes.set(key, write);
  }

  hasWrite(key: string): boolean {
    return this.writeOf(key) !== undefined;
  }

  /**
   * The operations of the commit, sorted by key. A written key is compared with what was read of it; a key that was
   * only read is compared when serializable; `demanded` comes on top.
   */
  operations(
    isolation: Isolation,
    strategy: VersionStrategy,
    demanded?: { readonly key: string; readonly expected: Expectation },
  ): CommitOperation[] {
    const keys = new Set([...this.writes.keys(), ...(isolation === 'serializable' ? this.reads.keys() : [])]);
    if (demanded) keys.add(demanded.key);
    return [...keys].sort().flatMap((key): CommitOperation[] => {
      const expected = this.expectationFor(key, demanded?.key === key ? demanded.expected : undefined);
      const write = this.writes.get(key);
      if (write === undefined) return expected ? [{ kind: 'check', key, expected }] : [];
      const guarded = expected ? { key, expected } : { key };
      return [write.kind === 'delete' ? { ...guarded, ...write } : { ...guarded, ...write, strategy }];
    });
  }

  /** A demanded version replaces what was read; a demanded existence adds to it, so that no update is lost. */
  private expectationFor(key: string, demanded: Expectation | undefined): Expectation | undefined {
    if (demanded?.kind === 'version' || !this.reads.has(key)) return demanded;
    const version = this.reads.get(key)?.version ?? 0;
    return demanded && version === 0 ? demanded : { kind: 'version', version };
  }

  private writeOf(key: string): BufferedWrite | undefined {
    return this.writes.get(key) ?? this.parent?.writeOf(key);
  }

  private admit(key: string): void {
    const keys = this.keys();
    if (keys.has(key) || keys.size < this.limits.maxKeys) return;
    throw new LimitExceededError(`the transaction would touch more than ${this.limits.maxKeys} keys; split it`, {
      details: { key, limit: this.limits.maxKeys },
    });
  }

  private keys(): Set<string> {
    const keys = this.parent ? this.parent.keys() : new Set(this.reads.keys());
    for (const key of this.writes.keys()) keys.add(key);
    return keys;
  }

  private bytes(without: string): number {
    let total = this.parent?.bytes(without) ?? 0;
    for (const [key, write] of this.writes) {
      if (key !== without && write.kind === 'put') total += Buffer.byteLength(write.value);
    }
    return total;
  }
}

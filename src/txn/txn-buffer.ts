import { LimitExceededError, PreconditionFailedError } from '../base/errors.js';
import type { CommitOperation, EntryRecord, Expectation, VersionStrategy } from '../store/entry-operations.js';
import { checkValueBytes, type Isolation, type TransactionLimits } from './txn.options.js';

/** A write that waits for the commit. */
export type BufferedWrite =
  | { readonly kind: 'put'; readonly value: string; readonly ttlMs: number }
  /** The strategy where it is not that of the transaction. */
  | { readonly kind: 'bump'; readonly ttlMs: number; readonly strategy?: VersionStrategy }
  | { readonly kind: 'delete' };

/** What a transaction sees of a key: its own write, else what it read first. */
export interface View {
  readonly value: string | undefined;
  /** The version read; 0 when there was no entry or it was never read. */
  readonly version: number;
}

/** A value that the transaction has loaded, and the keys whose writes by the transaction end it as its view. */
export interface BufferedLoad {
  readonly value: string;
  readonly endedBy: readonly string[];
}

/** A write and what it counts against `maxBytes`. */
interface SizedWrite {
  readonly write: BufferedWrite;
  readonly bytes: number;
}

/**
 * What a transaction has read and what it will write. The first read of a key stays the transaction's view of it.
 *
 * An overlay (`nested`) shares the reads, because they were made whatever becomes of its writes, and hands its writes
 * to its parent only when it succeeds. So it does with what it has loaded, which its own undone rows may have been.
 */
export class TxnBuffer {
  private readonly writes = new Map<string, SizedWrite>();
  /** Values that the transaction has loaded for keys without one that does: its own view of them, which nobody else gets (protocol I9). */
  private readonly loads = new Map<string, BufferedLoad>();
  /** Of all writes so far, those that later ones replaced included. */
  private bytesEver = 0;

  constructor(
    private readonly limits: TransactionLimits,
    private readonly parent?: TxnBuffer,
    private readonly reads = new Map<string, EntryRecord | undefined>(),
  ) {}

  overlay(): TxnBuffer {
    return new TxnBuffer(this.limits, this, this.reads);
  }

  /**
   * Makes an overlay's writes its parent's, all or none.
   * @throws LimitExceededError `LIMIT_EXCEEDED` when other parts have filled the parent meanwhile
   */
  mergeIntoParent(): void {
    this.parent?.admitWrites(this.writes);
    for (const [key, load] of this.loads) this.parent?.recordLoad(key, load);
  }

  /** Undefined when the transaction neither wrote nor read the key. */
  view(key: string): View | undefined {
    const read = this.reads.get(key);
    const version = read?.version ?? 0;
    const write = this.writeOf(key);
    if (write?.kind === 'put') return { value: write.value, version };
    if (write?.kind === 'delete') return { value: undefined, version };
    return this.reads.has(key) ? { value: this.loadOf(key) ?? read?.value, version } : undefined;
  }

  hasRead(key: string): boolean {
    return this.reads.has(key);
  }

  /** What the transaction has found in the store, whatever it has written or loaded since. */
  readRecord(key: string): EntryRecord | undefined {
    return this.reads.get(key);
  }

  /** The value that the transaction has written to the key, or loaded for it; undefined for neither, and for a deletion. */
  ownValue(key: string): string | undefined {
    const write = this.writeOf(key);
    if (write?.kind === 'put') return write.value;
    return write?.kind === 'delete' ? undefined : this.loadOf(key);
  }

  /**
   * Makes sure that these keys can be read, before anything is sent.
   * @throws LimitExceededError `LIMIT_EXCEEDED`
   */
  admitReads(keys: readonly string[]): void {
    if (this.keysAtMost() + keys.length <= this.limits.maxKeys) return;
    this.checkKeys([...keys, ...this.allWrites().keys()]);
  }

  /** Keeps the first read of a key and answers the record that counts. */
  recordRead(key: string, record: EntryRecord | undefined): EntryRecord | undefined {
    if (this.reads.has(key)) return this.reads.get(key);
    this.admitReads([key]);
    this.reads.set(key, record);
    return record;
  }

  /** The key was read, and had no value that does; the first load of it stays the view. */
  recordLoad(key: string, load: BufferedLoad): void {
    if (this.loadOf(key) === undefined) this.loads.set(key, load);
  }

  /** @throws LimitExceededError `LIMIT_EXCEEDED` */
  put(key: string, write: BufferedWrite): void {
    this.putAll([[key, write]]);
  }

  /**
   * All of them or, when they pass a limit, none.
   * @throws LimitExceededError `LIMIT_EXCEEDED`
   */
  putAll(writes: Iterable<readonly [string, BufferedWrite]>): void {
    const sized = new Map<string, SizedWrite>();
    for (const [key, write] of writes) {
      // A bump keeps the value, so a value written before it stays.
      if (write.kind === 'bump' && this.writeOf(key)?.kind === 'put') continue;
      const bytes = write.kind === 'put' ? Buffer.byteLength(write.value) : 0;
      checkValueBytes(bytes, key);
      sized.set(key, { write, bytes });
    }
    this.admitWrites(sized);
  }

  hasWrite(key: string): boolean {
    return this.writeOf(key) !== undefined;
  }

  /**
   * The operations of the commit, sorted by key. A written key is compared with what was read of it; a key that was
   * only read is compared when serializable; `demanded` comes on top.
   *
   * @throws PreconditionFailedError `PRECONDITION_FAILED` when the version read is not one that the client demands
   */
  operations(
    isolation: Isolation,
    strategy: VersionStrategy,
    demanded?: { readonly key: string; readonly expected: Expectation },
  ): CommitOperation[] {
    const keys = [...this.writes.keys()];
    if (isolation === 'serializable') for (const key of this.reads.keys()) if (!this.writes.has(key)) keys.push(key);
    if (demanded && !keys.includes(demanded.key)) keys.push(demanded.key);
    const operations: CommitOperation[] = [];
    for (const key of keys.sort()) {
      const expected = this.expectationFor(key, demanded?.key === key ? demanded.expected : undefined);
      const write = this.writes.get(key)?.write;
      if (write) operations.push(operationOf(key, write, expected, strategy));
      else if (expected) operations.push({ kind: 'check', key, expected });
    }
    return operations;
  }

  /** What was read must still be there, and be what the client demands: a demand alone would let an update get lost. */
  private expectationFor(key: string, demanded: Expectation | undefined): Expectation | undefined {
    if (!this.reads.has(key)) return demanded;
    const version = this.reads.get(key)?.version ?? 0;
    if (demanded !== undefined && (demanded.kind === 'exists' ? version === 0 : version !== demanded.version)) {
      throw new PreconditionFailedError(
        `${key} was not at the version that the client demands when it was read; nothing is visible`,
        { details: { key, actual: version } },
      );
    }
    return { kind: 'version', version };
  }

  private loadOf(key: string): string | undefined {
    const load = this.anyLoadOf(key);
    return load?.endedBy.some((other) => this.hasWrite(other)) ? undefined : load?.value;
  }

  private anyLoadOf(key: string): BufferedLoad | undefined {
    return this.loads.get(key) ?? this.parent?.anyLoadOf(key);
  }

  private writeOf(key: string): BufferedWrite | undefined {
    return this.writes.get(key)?.write ?? this.parent?.writeOf(key);
  }

  private admitWrites(added: ReadonlyMap<string, SizedWrite>): void {
    let addedBytes = 0;
    for (const write of added.values()) addedBytes += write.bytes;
    const isSurelyWithin =
      this.keysAtMost() + added.size <= this.limits.maxKeys && this.bytesAtMost() + addedBytes <= this.limits.maxBytes;
    if (!isSurelyWithin) this.checkLimits(new Map([...this.allWrites(), ...added]));
    this.bytesEver += addedBytes;
    for (const [key, write] of added) this.writes.set(key, write);
  }

  /** What was written twice, here or in a parent, counts once; only near a limit is it worth finding out. */
  private keysAtMost(): number {
    return this.writes.size + (this.parent?.keysAtMost() ?? this.reads.size);
  }

  private bytesAtMost(): number {
    return this.bytesEver + (this.parent?.bytesAtMost() ?? 0);
  }

  private checkLimits(after: ReadonlyMap<string, SizedWrite>): void {
    this.checkKeys(after.keys());
    let bytes = 0;
    for (const write of after.values()) bytes += write.bytes;
    if (bytes > this.limits.maxBytes) {
      throw new LimitExceededError(
        `the transaction would write ${bytes} bytes, the limit is ${this.limits.maxBytes}; split it`,
        { details: { bytes, limit: this.limits.maxBytes } },
      );
    }
  }

  private checkKeys(further: Iterable<string>): void {
    const keys = new Set([...this.reads.keys(), ...further]);
    if (keys.size <= this.limits.maxKeys) return;
    throw new LimitExceededError(
      `the transaction would touch ${keys.size} keys, the limit is ${this.limits.maxKeys}; split it`,
      { details: { keys: keys.size, limit: this.limits.maxKeys } },
    );
  }

  /** The writes around an overlay and its own. */
  private allWrites(): Map<string, SizedWrite> {
    return new Map([...(this.parent?.allWrites() ?? []), ...this.writes]);
  }
}

function operationOf(
  key: string,
  write: BufferedWrite,
  expected: Expectation | undefined,
  strategy: VersionStrategy,
): CommitOperation {
  switch (write.kind) {
    case 'put':
      return { kind: 'put', key, expected, value: write.value, ttlMs: write.ttlMs, strategy };
    case 'bump':
      return { kind: 'bump', key, expected, ttlMs: write.ttlMs, strategy: write.strategy ?? strategy };
    case 'delete':
      return { kind: 'delete', key, expected };
  }
}

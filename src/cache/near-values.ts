import { callScope } from '../base/async-scope.js';
import type { NearCache, NearCopy } from '../near/near-cache.js';
import { mayReadCopies } from '../txn/replica-reads.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { currentResource } from '../version/resource-call.js';
import { deepFrozen } from './deep-frozen.js';
import { reportOf } from './loading/load-report.js';
import { readStored, type StoredValue } from './stored-value.js';
import { tagKey } from './tags/tags.js';
import { isValid, type Validate } from './validation.js';
import type { ValueCodec } from './codec/value-codec.js';

/** A value that a copy has; undefined for one that was looked for and not found. */
export interface NearValue {
  readonly value: unknown;
}

/** What was made of a copy. */
interface Memo {
  readonly stored: StoredValue | undefined;
  readonly tags: readonly (readonly [key: string, version: number])[];
  /** The one value that all callers get, where they may share it. */
  shared: NearValue | undefined;
}

const NONE: NearValue = { value: undefined };

/** Values of copies in this process, for reads outside of transactions. */
export class NearValues {
  constructor(
    private readonly near: NearCache,
    private readonly codec: ValueCodec,
    private readonly coordinator: TransactionCoordinator,
  ) {}

  /**
   * The value that may be given without asking the store. Undefined when there is none, or none that is valid, in a transaction, which sees for itself, under a lock, which is
   * there for who reads what is written, and in a load.
   */
  get(key: string, validate?: Validate): NearValue | undefined {
    const copy = this.near.get(key);
    if (copy === undefined) return undefined;
    const isOutside = callScope.isOutside;
    if (!isOutside && (this.coordinator.active() !== undefined || !mayReadCopies())) return undefined;
    const memo = memoOf(copy);
    for (const [tag, version] of memo.tags) if (this.near.get(tag)?.record.version !== version) return undefined;
    const found = memo.shared ?? this.made(memo);
    if (found !== undefined && found !== NONE && !isValid(found.value, validate)) return undefined;
    if (found !== undefined && !isOutside && !this.note(key, copy)) return undefined;
    return found;
  }

  private made(memo: Memo): NearValue | undefined {
    const { stored } = memo;
    if (stored === undefined || stored.notes.floor !== undefined) return undefined;
    if (stored.notes.none) return NONE;
    const decoded = this.codec.decode(stored.body);
    if (!('value' in decoded)) return undefined;
    if (this.near.options.isFrozen && deepFrozen(decoded.value)) memo.shared = decoded;
    return decoded;
  }

  /** Whoever shows the value shows its version as well; not where another one was read for the call already. */
  private note(key: string, { record }: NearCopy): boolean {
    const resource = currentResource(this.coordinator.store);
    if (resource?.key === key) {
      if (resource.hasPrefetched) return false;
      resource.noteLoaded(record.version);
    }
    const report = reportOf(key);
    if (report !== undefined) report.source = 'hit';
    return true;
  }
}

function memoOf(copy: NearCopy): Memo {
  if (copy.memo !== undefined) return copy.memo as Memo;
  const { value } = copy.record;
  const stored = value === undefined ? undefined : readStored(value);
  const tags = Object.entries(stored?.notes.tags ?? {}).map(([tag, version]) => [tagKey(tag), version] as const);
  const memo: Memo = { stored, tags, shared: undefined };
  copy.memo = memo;
  return memo;
}

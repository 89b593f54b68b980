import type { ErrorSink } from '../base/error-sink.js';
import type { CacheCounters } from './cache-counters.js';
import type { ValueCodec } from './codec/value-codec.js';
import type { StoredValue } from './stored-value.js';
import { isValid, type Validate } from './validation.js';

/** Values of what was read. */
export class ValueReader {
  constructor(
    readonly codec: ValueCodec,
    private readonly counters: CacheCounters,
    private readonly report: ErrorSink,
  ) {}

  /** Undefined for nothing, and for what cannot be read or is refused, which is counted and told. */
  read<T>(key: string, stored: StoredValue | undefined, validate?: Validate): T | undefined {
    if (stored === undefined || stored.notes.none) return undefined;
    const decoded = this.codec.decode(stored.body);
    if ('value' in decoded && isValid(decoded.value, validate)) return decoded.value as T;
    const problem = 'problem' in decoded ? decoded.problem : 'is refused by validate';
    this.counters.countUnreadable();
    const error = new Error(`a cached value ${problem}; it counts as a miss`);
    this.report(error, { during: 'cache read', details: { key } });
    return undefined;
  }
}

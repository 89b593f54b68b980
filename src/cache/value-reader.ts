import type { ErrorSink } from '../base/error-sink.js';
import type { CacheCounters } from './cache-counters.js';
import type { ValueCodec } from './codec/value-codec.js';
import type { StoredValue } from './stored-value.js';

/** Values of what was read. */
export class ValueReader {
  constructor(
    readonly codec: ValueCodec,
    private readonly counters: CacheCounters,
    private readonly report: ErrorSink,
  ) {}

  /** Undefined for nothing, and for what cannot be read, which is counted and told. */
  read<T>(key: string, stored: StoredValue | undefined): T | undefined {
    if (stored === undefined || stored.notes.none) return undefined;
    const decoded = this.codec.decode(stored.body);
    if ('value' in decoded) return decoded.value as T;
    this.counters.countUnreadable();
    const error = new Error(`a cached value ${decoded.problem}; it counts as a miss`);
    this.report(error, { during: 'cache read', details: { key } });
    return undefined;
  }
}

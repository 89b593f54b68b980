import { InvalidOptionsError, TransactionStateError } from '../base/errors.js';
import type { CommitOperation } from '../store/entry-operations.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { checkValueBytes } from '../txn/txn.options.js';
import type { CompareAndSetOptions, VersionedEntries } from '../version/version.service.js';
import { type CacheModuleOptions, resolveTtlMs } from './cache.options.js';
import { type ValueCodec, valueCodecOf } from './codec/value-codec.js';

/** The version service's way to entries: reads join a transaction, writes are commits of their own. */
export class CacheVersionedEntries implements VersionedEntries {
  private readonly codec: ValueCodec;

  constructor(
    private readonly coordinator: TransactionCoordinator,
    private readonly options: CacheModuleOptions,
  ) {
    this.codec = valueCodecOf(options);
  }

  async versionOf(key: string): Promise<number> {
    const txn = this.coordinator.active();
    if (txn) return (await txn.read([key]))[0]?.version ?? 0;
    const [record] = await this.coordinator.alone.read([key]);
    return record?.version ?? 0;
  }

  bump(key: string): Promise<number> {
    return this.commitOne({
      kind: 'bump',
      key,
      ttlMs: resolveTtlMs({}, this.options),
      strategy: this.coordinator.versionStrategy,
    });
  }

  compareAndSet(key: string, expected: number, value: unknown, options: CompareAndSetOptions): Promise<number> {
    if (!Number.isSafeInteger(expected) || expected < 0) {
      throw new InvalidOptionsError(
        `expected: ${expected} is no version; give what current() answered, 0 for no entry`,
        { details: { key } },
      );
    }
    const text = this.codec.encode(value, key);
    checkValueBytes(Buffer.byteLength(text), key);
    return this.commitOne({
      kind: 'put',
      key,
      expected: { kind: 'version', version: expected },
      value: text,
      ttlMs: resolveTtlMs(options, this.options),
      strategy: this.coordinator.versionStrategy,
    });
  }

  private async commitOne(operation: CommitOperation): Promise<number> {
    if (this.coordinator.active()) {
      throw new TransactionStateError(
        `${operation.key}: a new version exists only after the commit; use the cache inside a transaction`,
        {
          details: { key: operation.key },
        },
      );
    }
    return (await this.coordinator.alone.commit([operation])).get(operation.key) ?? 0;
  }
}

import { present } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { Random } from '../base/random.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import type { BufferedWrite } from '../txn/txn-buffer.js';
import { retryConflicts } from '../version/conflict-retry.js';
import { resolveRetryOptions, type RetryOptions, type VersionModuleOptions } from '../version/version.options.js';
import { type CacheModuleOptions, resolveTtlMs, type WriteOptions } from './cache.options.js';
import type { ValueCodec } from './codec/value-codec.js';
import { type Evicted, evictions, flooredEvictions } from './evictions.js';
import { sourceNotes } from './floors.js';
import { type ValueNotes, writeStored } from './stored-value.js';
import { notedVersions, type TagVersions } from './tags/tag-versions.js';
import { checkEntryKey, checkTags } from './tags/tags.js';

/** What was written elsewhere cannot be taken back, so its entry is not left behind before the budget is spent. */
const MOST_EVICTIONS: RetryOptions = { attempts: 100 };

/** What the cache and its writes are made of. */
export interface CacheParts {
  readonly coordinator: TransactionCoordinator;
  readonly options: CacheModuleOptions;
  readonly version: VersionModuleOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: ErrorSink;
}

/** What writes are made of. */
export interface ValueWritesDependencies extends CacheParts {
  readonly tags: Pick<TagVersions, 'ensure'>;
  readonly codec: ValueCodec;
  /** How long the floor of a removed value stays. */
  readonly floorTtlMs: number;
}

/** Writes of values, and their removal: for the commit of the transaction that the call is in, or as a commit of their own. */
export class ValueWrites {
  constructor(private readonly deps: ValueWritesDependencies) {}

  /** All of them together. Everything is checked before anything is sent. */
  async put(pairs: readonly (readonly [string, unknown])[], options: WriteOptions): Promise<void> {
    const ttlMs = resolveTtlMs(options, this.deps.options);
    const values = pairs.map(([key, value]) => {
      checkEntryKey(key);
      const body = this.deps.codec.encode(value, key);
      return { key, body, source: sourceNotes(value, options.sourceVersion) };
    });
    const tags = options.tags?.length ? await this.notesOf(options.tags) : {};
    const pending = this.write(
      values.map(({ key, body, source }) => [
        key,
        { kind: 'put', value: writeStored({ body, notes: { ...tags, ...source } }), ttlMs },
      ]),
    );
    if (pending) await pending;
  }

  async evict(evicted: Evicted): Promise<void> {
    const removals = evictions(evicted);
    if (evicted.floor !== undefined) return this.evictWithFloor(evicted);
    const pending = this.write(removals);
    if (pending) await pending;
  }

  /** In a transaction of its own again after each conflict, or in that of the call, at whose commit a conflict shows. */
  again<T>(step: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
    const { coordinator, version } = this.deps;
    if (coordinator.active()) return step();
    const deps = { ...this.deps, owner: coordinator, isComputation: true };
    return retryConflicts(resolveRetryOptions(options, version), deps, undefined, () => coordinator.run(step));
  }

  private evictWithFloor(evicted: Evicted): Promise<void> {
    const { coordinator, floorTtlMs } = this.deps;
    const step = async (): Promise<void> => {
      const txn = present(coordinator.active(), 'the transaction of an eviction');
      txn.write(await flooredEvictions(txn, evicted, floorTtlMs));
    };
    return this.again(step, MOST_EVICTIONS);
  }

  /** Answers the commit to wait for when there is no transaction whose commit will do. */
  private write(writes: readonly (readonly [string, BufferedWrite])[]): Promise<unknown> | undefined {
    const txn = this.deps.coordinator.active();
    if (!txn) return this.deps.coordinator.alone.write(writes);
    txn.write(writes);
    return undefined;
  }

  /** From before the write: what is invalidated meanwhile is a miss. */
  private async notesOf(tags: readonly string[]): Promise<ValueNotes> {
    const each = checkTags(tags);
    const noted = notedVersions(each, await this.deps.tags.ensure(each));
    // A tag that is being invalidated right now: with no version that it ever had the entry is a miss.
    return { tags: noted ?? Object.fromEntries(each.map((tag) => [tag, 0])) };
  }
}

import { InvalidOptionsError } from '../base/errors.js';
import { isList, onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { ActiveTransaction } from '../txn/active-transaction.js';
import type { BufferedWrite } from '../txn/txn-buffer.js';
import { checkSourceVersion, floorOf, floorText } from './floors.js';
import { readStored } from './stored-value.js';
import { checkEntryKey, checkTags, TAG_TTL_MS, tagKey } from './tags/tags.js';

/** What is to be removed. */
export interface Evicted {
  /** Entries; absent ones are no error. Default none. */
  readonly keys?: readonly string[];
  /** Tags whose entries become misses. Default none; up to 32. */
  readonly tags?: readonly string[];
  /**
   * The version that the keys have now where their values come from, such as that of the row that was written: for `cache.floorTtl` no load keeps anything
   * that is older there, see `sourceVersion` of loads. A whole number from 0 on. Default none.
   */
  readonly floor?: number;
}

const EVICTED: OptionNames<Evicted> = { keys: true, tags: true, floor: true };
const REMOVAL: BufferedWrite = { kind: 'delete' };

/**
 * The writes of an eviction.
 * @throws InvalidOptionsError `INVALID_OPTIONS`, also for a floor without keys, and what is wrong with a key or a tag
 */
export function evictions(
  evicted: Evicted,
  removalOf: (key: string) => BufferedWrite = () => REMOVAL,
): readonly (readonly [string, BufferedWrite])[] {
  onlyOptions(evicted, EVICTED, 'evict');
  const { floor, keys = [], tags = [] } = evicted;
  if (floor !== undefined) {
    checkSourceVersion(floor, 'floor');
    if (evicted.keys === undefined)
      throw new InvalidOptionsError('floor: it is left in the place of keys, and there are none', {
        details: { option: 'floor' },
      });
  }
  if (!isList(keys)) {
    throw new InvalidOptionsError('keys: a list of keys belongs here', { details: { option: 'keys' } });
  }
  for (const key of keys) checkEntryKey(key);
  // By time, whatever the strategy: a counter that a failover sets back would give a version twice.
  const bump = { kind: 'bump', ttlMs: TAG_TTL_MS, strategy: 'timestamp' } as const;
  return [
    ...[...new Set(keys)].map((key): [string, BufferedWrite] => [key, removalOf(key)]),
    ...checkTags(tags).map((tag): [string, BufferedWrite] => [tagKey(tag), bump]),
  ];
}

/**
 * The writes of an eviction that leaves its floor, in a transaction that reads the keys for it: a higher one stays, because of two writers the one who was the
 * second to change the source may be the first to evict.
 */
export async function flooredEvictions(
  txn: ActiveTransaction,
  evicted: Evicted,
  ttlMs: number,
): Promise<ReturnType<typeof evictions>> {
  const { floor = 0, keys = [] } = evicted;
  const [records, views] = [await txn.readRecords(keys), await txn.read(keys)];
  const floors = new Map(
    keys.map((key, i) => [key, Math.max(floor, floorIn(records[i]?.value), floorIn(views[i]?.value))]),
  );
  return evictions(evicted, (key) => ({ kind: 'put', value: floorText(floors.get(key) ?? floor), ttlMs }));
}

function floorIn(text: string | undefined): number {
  const stored = text === undefined ? undefined : readStored(text);
  return (stored && floorOf(stored.notes)) ?? 0;
}

import { InvalidOptionsError } from '../base/errors.js';
import { isList, onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { BufferedWrite } from '../txn/txn-buffer.js';
import { checkEntryKey, checkTags, TAG_TTL_MS, tagKey } from './tags/tags.js';

/** What is to be removed. */
export interface Evicted {
  /** Entries; absent ones are no error. Default none. */
  readonly keys?: readonly string[];
  /** Tags whose entries become misses. Default none; up to 32. */
  readonly tags?: readonly string[];
}

const EVICTED: OptionNames<Evicted> = { keys: true, tags: true };

/** The writes of an eviction. @throws InvalidOptionsError `INVALID_OPTIONS`, and what is wrong with a key or a tag */
export function evictions(evicted: Evicted): readonly (readonly [string, BufferedWrite])[] {
  onlyOptions(evicted, EVICTED, 'evict');
  const { keys = [], tags = [] } = evicted;
  if (!isList(keys)) {
    throw new InvalidOptionsError('keys: a list of keys belongs here', { details: { option: 'keys' } });
  }
  for (const key of keys) checkEntryKey(key);
  // By time, whatever the strategy: a counter that a failover sets back would give a version twice.
  const bump = { kind: 'bump', ttlMs: TAG_TTL_MS, strategy: 'timestamp' } as const;
  return [
    ...[...new Set(keys)].map((key): [string, BufferedWrite] => [key, { kind: 'delete' }]),
    ...checkTags(tags).map((tag): [string, BufferedWrite] => [tagKey(tag), bump]),
  ];
}

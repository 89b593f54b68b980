import { describe, expect, it } from '@jest/globals';
import { EntryTable } from '../../../src/memory/entry-table.js';
import type { Instant } from '../../../src/memory/server-time.js';
import type { CommitOperation, VersionStrategy } from '../../../src/store/entry-operations.js';

const at = (ms: number): Instant => ({ ms, us: ms * 1_000 });

function put(key: string, ttlMs = 0, strategy: VersionStrategy = 'timestamp'): CommitOperation {
  return { kind: 'put', key, value: `value of ${key}`, ttlMs, strategy };
}

describe('EntryTable', () => {
  it('shows an entry up to the millisecond before its TTL ends', () => {
    const table = new EntryTable(128);
    table.apply(put('key', 1_000), at(5_000));
    expect(table.read('key', at(5_999))).toEqual({ value: 'value of key', version: 5_000_000 });
    expect(table.read('key', at(6_000))).toBeUndefined();
  });

  it.each([
    { strategy: 'timestamp', previous: 4_000, expected: 5_000_000 },
    { strategy: 'timestamp', previous: 5_000, expected: 5_000_001 },
    { strategy: 'counter', previous: 4_000, expected: 4_000_001 },
    { strategy: 'counter', previous: 5_000, expected: 5_000_001 },
  ] as const)(
    'a $strategy after a version of $previous ms is $expected at 5000 ms',
    ({ strategy, previous, expected }) => {
      const table = new EntryTable(128);
      table.apply(put('key'), at(previous));
      expect(table.apply(put('key', 0, strategy), at(5_000))).toBe(expected);
    },
  );

  it('evicts the entry used least recently beyond its limit: reads, checks and writes are uses', () => {
    const table = new EntryTable(4);
    for (const [index, key] of ['read', 'checked', 'written', 'forgotten'].entries())
      table.apply(put(key), at(index + 1));
    table.read('read', at(10));
    table.apply({ kind: 'check', key: 'checked', expected: { kind: 'exists' } }, at(11));
    table.apply(put('written'), at(12));
    table.apply(put('new'), at(13));
    expect(table.size).toBe(4);
    expect(table.read('forgotten', at(14))).toBeUndefined();
    for (const key of ['read', 'checked', 'written', 'new']) expect(table.read(key, at(14))).toBeDefined();
  });

  it.each(['timestamp', 'counter'] as const)('a %s never repeats a version after the entry was evicted', (strategy) => {
    const table = new EntryTable(1);
    const versions: number[] = [];
    for (let ms = 1; ms < 20; ms += 2) {
      versions.push(table.apply(put('key', 0, strategy), at(ms)));
      table.apply(put('other'), at(ms + 1));
    }
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });
});

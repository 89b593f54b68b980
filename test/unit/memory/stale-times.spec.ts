import { expect, it } from '@jest/globals';
import { EntryTable } from '../../../src/memory/entry-table.js';

const NOW = { ms: 1_000, us: 1_000_000 };
const FILL = { value: '1', ttlMs: 60_000, freshMs: 30_000, strategy: 'timestamp' } as const;

it('are kept as long as their entry, however many others have come and gone', () => {
  const table = new EntryTable(3);
  const fill = (key: string): void => {
    expect(table.lease({ key, token: key, leaseMs: 1_000 }, NOW)).toEqual({ kind: 'leased' });
    expect(table.fill({ key, token: key, ...FILL }, NOW)).toMatchObject({ kind: 'filled' });
  };
  fill('kept');
  for (const key of ['a', 'b', 'c', 'd']) {
    fill(key);
    if (key < 'c') table.apply({ kind: 'delete', key }, NOW);
    else table.drop(key);
    expect(table.read('kept', NOW)).toMatchObject({ value: '1' });
  }
  expect(table.lease({ key: 'kept', token: 'again', leaseMs: 1_000 }, NOW)).toMatchObject({
    kind: 'hit',
    times: { staleAtMs: 31_000 },
  });
});

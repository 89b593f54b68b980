import type { TransactionalCache } from '../transactional-cache.js';

const PREFIX = 'nestjs-cache-txn/warm-up/';

/** The lock of a warm-up, and the entry that says that it was done: names that no application gives. */
export function warmUpKey(name: string): string {
  return PREFIX + name;
}

/** That a warm-up was done, and how many keys it had; as long as it counts. */
export interface WarmUpRecord {
  readonly version: number;
  readonly warmed: number;
}

/** The record of a warm-up; undefined when there is none, or no longer. It goes with the cache, so an emptied one is warmed again. */
export async function readRecord(cache: TransactionalCache, name: string): Promise<WarmUpRecord | undefined> {
  const entry = await cache.getEntry<{ readonly warmed?: unknown } | null>(warmUpKey(name), {
    readFrom: 'primary',
  });
  if (entry === undefined) return undefined;
  const warmed = entry.value?.warmed;
  return { version: entry.version, warmed: typeof warmed === 'number' ? warmed : 0 };
}

/** Says to all nodes that the warm-up was done. */
export function writeRecord(cache: TransactionalCache, name: string, warmed: number, freshMs: number): Promise<void> {
  return cache.set(warmUpKey(name), { warmed }, { ttl: freshMs });
}

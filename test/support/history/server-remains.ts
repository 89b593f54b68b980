import type { Redis } from 'ioredis';

/** The fence of a lock outlives it on purpose; nothing else of it does. */
const LOCK_REMAINDER = ['f'];
/** An outcome record lives for 30 s, or for an hour when it says 'aborted'. */
const LONGEST_RECORD_MS = 3_600_000;

/**
 * What is left under a namespace that nobody will take away: fields of a lock other than its fence, intents of entries,
 * records without a TTL or with one beyond their own, and keys of no kind that this library writes.
 */
export async function serverRemains(redis: Redis, namespace: string): Promise<string[]> {
  const remains: string[] = [];
  for (const key of (await redis.keys(`${namespace}:*`)).sort()) {
    const kind = key.slice(namespace.length + 1).split(':', 1)[0];
    const ttlMs = await redis.pttl(key);
    if (kind === 'l') {
      const fields = (await redis.hkeys(key)).filter((field) => !LOCK_REMAINDER.includes(field));
      remains.push(...fields.map((field) => `field ${field} of lock ${key}`));
      if (ttlMs === -1) remains.push(`lock ${key} without a TTL`);
    } else if (kind === 'e') {
      if ((await redis.hexists(key, 'i')) === 1) remains.push(`an intent in ${key}`);
    } else if (kind === 'd') {
      if (ttlMs === -1 || ttlMs > LONGEST_RECORD_MS) remains.push(`outcome record ${key} with a TTL of ${ttlMs} ms`);
    } else {
      remains.push(`key ${key}`);
    }
  }
  return remains;
}

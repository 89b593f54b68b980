import { sharedAbortController } from '../../base/abort.js';
import type { Clock } from '../../base/clock.js';
import { InvalidOptionsError, LoadTimeoutError } from '../../base/errors.js';
import { inTime } from '../../base/in-time.js';
import type { Random } from '../../base/random.js';
import { readingPrimary } from '../../txn/replica-reads.js';
import { checkValueBytes } from '../../txn/txn.options.js';
import { type ResolvedLoadOptions, ttlMsOf } from '../cache.options.js';
import { sourceNotes } from '../floors.js';
import type { Loadable, LoadMany } from './load-batch.js';
import type { ValueCodec } from '../codec/value-codec.js';

/**
 * Gets a value that the cache has not from where it comes from; undefined for none. The signal aborts when nobody waits any longer: give it to
 * whatever is asked.
 */
export type Loader<T> = (signal: AbortSignal) => T | undefined | Promise<T | undefined>;

/** An error names this many keys at most. */
const SHOWN_KEYS = 3;

/** What several keys have; no value, or undefined, for those that have none. */
export type LoadedValues<T> = ReadonlyMap<string, T | undefined> | Readonly<Record<string, T | undefined>>;

/** Gets the values of keys that the cache has not from where they come from, all together. What was not asked for is left out. */
export type ManyLoader<T> = (
  keys: readonly string[],
  signal: AbortSignal,
) => LoadedValues<T> | Promise<LoadedValues<T>>;

/** What turns loaded values into what is kept. */
export interface LoadEncoding {
  readonly clock: Clock;
  readonly codec: ValueCodec;
  readonly random: Random;
  readonly options: ResolvedLoadOptions;
}

/**
 * @throws what the loader throws, and what is wrong with a value of it; LoadTimeoutError `LOAD_TIMEOUT` when it takes longer than
 * its `timeout`
 */
export function encoding(loader: ManyLoader<unknown>, { clock, codec, random, options }: LoadEncoding): LoadMany {
  return async (keys) => {
    const fromMs = clock.now();
    const values = mapOf(await loadInTime(loader, keys, clock, options.timeoutMs));
    // For those who load early; and only then, so that others find the plain text of a codec.
    const notes = options.xfetch > 0 ? { took: Math.round(clock.now() - fromMs) } : {};
    const loaded = new Map<string, Loadable>();
    for (const key of keys) {
      const value = values.get(key);
      if (value === undefined) {
        const { negativeTtlMs: ttlMs } = options;
        if (ttlMs > 0) loaded.set(key, { stored: { body: '', notes: { none: true } }, ttlMs, freshMs: 0 });
        continue;
      }
      const body = codec.encode(value, key);
      checkValueBytes(Buffer.byteLength(body), key);
      const stored = { body, notes: { ...notes, ...sourceNotes(value, options.sourceVersion) } };
      loaded.set(key, { stored, ...lifeOf(value, options, random) });
    }
    return loaded;
  };
}

/** It is kept for as long as it may be given, fresh or not. */
function lifeOf(
  value: unknown,
  { ttl, jitter, staleIfErrorMs, staleWhileRevalidateMs }: ResolvedLoadOptions,
  random: Random,
): Pick<Loadable, 'ttlMs' | 'freshMs'> {
  const fullMs = typeof ttl === 'function' ? ttlMsOf(ttl(value)) : ttl;
  const ttlMs = jitter === 0 ? fullMs : Math.ceil(fullMs * (1 - jitter * random()));
  const graceMs = Math.max(staleIfErrorMs, staleWhileRevalidateMs);
  return ttlMs === 0 || graceMs === 0 ? { ttlMs, freshMs: 0 } : { ttlMs: ttlMs + graceMs, freshMs: ttlMs };
}

function loadInTime<T>(
  loader: ManyLoader<T>,
  keys: readonly string[],
  clock: Clock,
  timeoutMs: number,
): Promise<unknown> {
  const controller = sharedAbortController();
  const loading = readingPrimary(async () => loader([...keys], controller.signal));
  return inTime(clock, timeoutMs, loading, () => {
    const error = new LoadTimeoutError(
      `the loader of ${describe(keys)} took longer than ${timeoutMs} ms; see the option timeout, and give its signal to what it asks`,
      { details: { keys: keys.slice(0, SHOWN_KEYS), timeoutMs } },
    );
    controller.abort(error);
    return error;
  });
}

function describe(keys: readonly string[]): string {
  const more = keys.length > SHOWN_KEYS ? ` and ${keys.length - SHOWN_KEYS} more` : '';
  return keys.slice(0, SHOWN_KEYS).join(', ') + more;
}

function mapOf(values: unknown): ReadonlyMap<string, unknown> {
  if (values instanceof Map) return values as ReadonlyMap<string, unknown>;
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) return new Map(Object.entries(values));
  // Its kind, not what is in it: a message may be logged.
  const got = Array.isArray(values) ? 'an array' : values === null ? 'null' : typeof values;
  throw new InvalidOptionsError(
    `a loader of several keys has to give a Map, or an object, from key to value, and gave ${got}`,
  );
}

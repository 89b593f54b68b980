import { sharedAbortController } from '../base/abort.js';
import type { Clock } from '../base/clock.js';
import { InvalidOptionsError, LoadTimeoutError } from '../base/errors.js';
import { inTime } from '../base/in-time.js';
import type { ActiveTransaction } from '../txn/active-transaction.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { checkValueBytes } from '../txn/txn.options.js';
import { noteLoaded } from '../version/resource-call.js';
import { encode } from './json-codec.js';
import type { LoadMany } from './load-batch.js';

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

/**
 * @throws what the loader throws, and what is wrong with a value of it; LoadTimeoutError `LOAD_TIMEOUT` when it takes longer than
 * `timeoutMs`
 */
export function encoding(loader: ManyLoader<unknown>, clock: Clock, timeoutMs: number): LoadMany {
  return async (keys) => {
    const values = mapOf(await loadInTime(loader, keys, clock, timeoutMs));
    const texts = new Map<string, string>();
    for (const key of keys) {
      const value = values.get(key);
      if (value === undefined) continue;
      const text = encode(value, key);
      checkValueBytes(Buffer.byteLength(text), key);
      texts.set(key, text);
    }
    return texts;
  };
}

/** What is loaded inside a transaction is its own view of the keys: its snapshot may be an old one (protocol I9). */
export async function loadInside(
  coordinator: TransactionCoordinator,
  txn: ActiveTransaction,
  keys: readonly string[],
  load: LoadMany,
): Promise<ReadonlyMap<string, string>> {
  const views = await txn.read(keys);
  const missing = keys.filter((_, i) => views[i]?.value === undefined);
  const loaded = missing.length > 0 ? await load(missing) : new Map<string, string>();
  if (missing.length > 0) txn.assertUsable();
  for (const [key, text] of loaded) {
    txn.buffer.recordLoad(key, text);
    noteLoaded(coordinator.store, key, 0);
  }
  const texts = new Map<string, string>();
  keys.forEach((key, i) => {
    // What the transaction has written meanwhile, or another of its loads has found, is its view of the key.
    const text = views[i]?.value ?? txn.buffer.view(key)?.value ?? loaded.get(key);
    if (text !== undefined) texts.set(key, text);
  });
  return texts;
}

function loadInTime<T>(
  loader: ManyLoader<T>,
  keys: readonly string[],
  clock: Clock,
  timeoutMs: number,
): Promise<unknown> {
  const controller = sharedAbortController();
  const loading = (async () => loader([...keys], controller.signal))();
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
  const got = Array.isArray(values) ? 'an array' : String(values);
  throw new InvalidOptionsError(
    `the loader of getOrLoadMany has to give a Map, or an object, from key to value, and gave ${got}`,
  );
}

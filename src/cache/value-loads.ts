import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { ActiveTransaction } from '../txn/active-transaction.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { noteLoaded, noteUnreadable } from '../version/resource-call.js';
import type { ResolvedLoadOptions } from './cache.options.js';
import type { CurrentEntries } from './current-entries.js';
import type { LoadMany } from './loading/load-batch.js';
import { encoding, type Loader, type ManyLoader } from './loading/loader.js';
import type { Loaded } from './loading/missing.js';
import type { FirstAnswer, ReadThrough } from './loading/read-through.js';
import { isPlain, readStored, writeStored } from './stored-value.js';
import { tagKey } from './tags/tags.js';
import { isValid } from './validation.js';
import type { ValueReader } from './value-reader.js';

/** What loads are made of. */
export interface ValueLoadsDependencies {
  readonly coordinator: TransactionCoordinator;
  readonly clock: Clock;
  readonly random: Random;
  readonly entries: CurrentEntries;
  readonly readThrough: ReadThrough;
  readonly values: ValueReader;
}

/** Values that are there, or loaded: for everybody outside of transactions, and for a transaction alone inside of it. */
export class ValueLoads {
  constructor(private readonly deps: ValueLoadsDependencies) {}

  /** The value of one key, which mostly is there. */
  async one<T>(key: string, loader: Loader<T>, options: ResolvedLoadOptions): Promise<T | undefined> {
    const { coordinator, readThrough, values } = this.deps;
    const isOutside = coordinator.active() === undefined;
    const first = isOutside ? await readThrough.first(key, options) : undefined;
    if (first?.lease.kind === 'hit') {
      const { times, value } = first.lease;
      // All that there is to the entry is its value.
      const stored = times === undefined ? readStored(value) : undefined;
      const decoded = stored !== undefined && isPlain(stored.notes) ? values.codec.decode(stored.body) : {};
      if ('value' in decoded && isValid(decoded.value, options.validate)) return decoded.value as T;
    }
    const load: ManyLoader<T> = async (_keys, signal) => new Map([[key, await loader(signal)]]);
    return (await this.many<T>([key], load, options, first)).get(key);
  }

  /**
   * @param keys each once
   * @param first what the store has said of the only key
   */
  async many<T>(
    keys: readonly string[],
    loader: ManyLoader<T>,
    options: ResolvedLoadOptions,
    first?: FirstAnswer,
  ): Promise<Map<string, T>> {
    const { clock, coordinator, random, readThrough, values } = this.deps;
    const load = encoding(loader, { clock, codec: values.codec, random, options });
    const txn = coordinator.active();
    if (txn) return this.inside<T>(txn, keys, load, options);
    const read = (key: string, { source, stored }: Loaded): T | undefined =>
      values.read<T>(key, stored, source === 'hit' || source === 'stale' ? options.validate : undefined);
    const found = new Map<string, T>();
    const unreadable = new Map<string, Loaded>();
    const request = { keys, load, options, ...(first && { first }) };
    for (const [key, loaded] of await readThrough.get(request)) {
      const value = read(key, loaded);
      if (value !== undefined) found.set(key, value);
      else if (!loaded.stored.notes.none) unreadable.set(key, loaded);
    }
    if (unreadable.size === 0) return found;
    for (const key of unreadable.keys()) noteUnreadable(coordinator.store, key);
    const again = { keys: [...unreadable.keys()], load, options, replaces: unreadable };
    const refused: string[] = [];
    for (const [key, loaded] of await readThrough.get(again)) {
      const value = read(key, loaded);
      if (value !== undefined) found.set(key, value);
      else if (!loaded.stored.notes.none) refused.push(key);
    }
    if (refused.length === 0) return found;
    // Somebody has put another one there that does not do, such as a version of the application with another validate.
    for (const [key, { stored }] of await load(refused)) {
      const value = values.read<T>(key, stored);
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }

  /** What is loaded inside a transaction is its own view of the keys: its snapshot may be an old one (protocol I9). */
  private async inside<T>(
    txn: ActiveTransaction,
    keys: readonly string[],
    load: LoadMany,
    options: ResolvedLoadOptions,
  ): Promise<Map<string, T>> {
    const { coordinator, entries: current, values } = this.deps;
    const found = new Map<string, T>();
    const entries = await current.current(keys, await txn.read(keys), txn);
    const missing = keys.filter((key, i) => {
      const stored = entries[i]?.stored;
      const validate = txn.buffer.ownValue(key) === undefined ? options.validate : undefined;
      const value = values.read<T>(key, stored, validate);
      if (value !== undefined) found.set(key, value);
      else if (stored !== undefined && !stored.notes.none) noteUnreadable(coordinator.store, key);
      return value === undefined && !stored?.notes.none;
    });
    if (missing.length === 0) return found;
    const loaded = await load(missing);
    txn.assertUsable();
    for (const key of missing) {
      const loadable = loaded.get(key);
      if (loadable !== undefined) {
        txn.buffer.recordLoad(key, { value: writeStored(loadable.stored), endedBy: options.tags.map(tagKey) });
        noteLoaded(coordinator.store, key, 0);
      }
      // What the transaction has written meanwhile, or another of its loads has found, is its view of the key.
      const text = txn.buffer.ownValue(key);
      const own = text === undefined ? undefined : readStored(text);
      const value = values.read<T>(key, own === undefined || own.notes.floor !== undefined ? loadable?.stored : own);
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }
}

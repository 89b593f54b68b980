import { InvalidOptionsError } from '../base/errors.js';
import { isList } from '../base/option-checks.js';
import { shownAs } from '../base/shown-as.js';
import { type CacheOperations, type Entries, pairsOf } from './cache-operations.js';
import type { LoadOptions, ReadOptions, WriteOptions } from './cache.options.js';
import type { LoadedValues, Loader, ManyLoader } from './loading/loader.js';

/** The cache that a namespace is a part of. */
interface TaggedCache extends CacheOperations {
  invalidateTags(...tags: string[]): Promise<void>;
}

/** Part of a cache: its keys begin with the name of the namespace and a colon, and all of them can be cleared by one write. */
export class CacheNamespace implements CacheOperations {
  private readonly prefix: string;
  private readonly tag: string;

  /** @internal `TransactionalCache.namespace` makes it. */
  constructor(
    private readonly cache: TaggedCache,
    readonly name: string,
  ) {
    if (typeof name !== 'string' || name === '') {
      throw new InvalidOptionsError('a namespace of the cache has to have a name', {
        details: { option: 'namespace' },
      });
    }
    this.prefix = `${name}:`;
    this.tag = `%namespace:${name}`;
  }

  /** Makes every entry of it a miss; as `invalidateTags` does, so also in a transaction. */
  clear(): Promise<void> {
    return this.cache.invalidateTags(this.tag);
  }

  /** The key by which the cache, `@CacheEvict` and transactions know an entry of it. */
  keyOf(key: string): string {
    return this.prefix + key;
  }

  get<T = unknown>(key: string, options: ReadOptions = {}): Promise<T | undefined> {
    return this.cache.get(this.keyOf(key), options);
  }

  async getMany<T = unknown>(keys: readonly string[], options: ReadOptions = {}): Promise<Map<string, T>> {
    const found = await this.cache.getMany<T>(
      keys.map((key) => this.keyOf(key)),
      options,
    );
    return this.own(found);
  }

  has(key: string, options: ReadOptions = {}): Promise<boolean> {
    return this.cache.has(this.keyOf(key), options);
  }

  set(key: string, value: unknown, options: WriteOptions = {}): Promise<void> {
    return this.cache.set(this.keyOf(key), value, this.tagged(options));
  }

  setMany(entries: Entries, options: WriteOptions = {}): Promise<void> {
    return this.cache.setMany(
      new Map(pairsOf(entries).map(([key, value]) => [this.keyOf(key), value])),
      this.tagged(options),
    );
  }

  delete(...keys: string[]): Promise<void> {
    return this.cache.delete(...keys.map((key) => this.keyOf(key)));
  }

  update<T = unknown>(
    key: string,
    fn: (current: T | undefined) => T | Promise<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.cache.update(this.keyOf(key), fn, this.tagged(options));
  }

  getOrLoad<T = unknown>(
    key: string,
    loader: Loader<T>,
    options: LoadOptions<NoInfer<T>> = {},
  ): Promise<T | undefined> {
    return this.cache.getOrLoad(this.keyOf(key), loader, this.tagged(options));
  }

  /** The loader is asked for keys without the name of the namespace. */
  async getOrLoadMany<T = unknown>(
    keys: readonly string[],
    loader: ManyLoader<T>,
    options: LoadOptions<NoInfer<T>> = {},
  ): Promise<Map<string, T>> {
    const load: ManyLoader<T> = async (missing, signal) => {
      const values = await loader(
        missing.map((key) => key.slice(this.prefix.length)),
        signal,
      );
      // What is neither is refused by the cache.
      if (!isRecord<T>(values)) return values;
      const pairs: Iterable<[string, T | undefined]> =
        values instanceof Map ? (values as ReadonlyMap<string, T>) : Object.entries(values);
      return new Map([...pairs].map(([key, value]) => [this.keyOf(key), value]));
    };
    return this.own(
      await this.cache.getOrLoadMany(
        keys.map((key) => this.keyOf(key)),
        load,
        this.tagged(options),
      ),
    );
  }

  private tagged<O extends { readonly tags?: readonly string[] }>(options: O): O {
    const { tags = [] } = options;
    // What is no list is refused by the cache.
    return { ...options, tags: isList(tags) ? [this.tag, ...tags] : tags };
  }

  private own<T>(found: ReadonlyMap<string, T>): Map<string, T> {
    return new Map([...found].map(([key, value]) => [key.slice(this.prefix.length), value]));
  }
}

function isRecord<T>(values: unknown): values is LoadedValues<T> {
  return typeof values === 'object' && values !== null && !Array.isArray(values);
}

shownAs(CacheNamespace, ({ name }) => ({ name }));

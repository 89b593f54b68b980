import { present } from '../../base/assert.js';
import { storeNameOf } from '../../base/store-name.js';
import type { Call } from '../../pipeline/call.js';
import { compileKey, compileKeys } from '../../pipeline/key-source.js';
import { type Around, type DecoratedMethod, type Emitted, type PipelineLayer, RANK } from '../../pipeline/layer.js';
import { checkSourceVersion } from '../floors.js';
import { checkEntryKey } from '../tags/tags.js';
import { readingPrimary } from '../../txn/replica-reads.js';
import { CACHE_EVICT, type CacheEvictMetadata } from './cache-evict.decorator.js';
import { CACHE_PUT, type CachePutMetadata } from './cache-put.decorator.js';
import { compileTags } from './tag-source.js';
import type { TransactionalCache } from '../transactional-cache.js';

/** Writes to the cache what follows from a method that has succeeded. Inside of the transaction of the same method, which it joins. */
abstract class CacheWriteLayer implements PipelineLayer {
  readonly rank = RANK.write;
  readonly ownsAnswer = true;

  constructor(protected readonly cache: TransactionalCache) {}

  abstract storeOf(method: DecoratedMethod): string | undefined;
  /** Once at boot, and then once for each call, before the method: what is wrong with a key or a tag is told before anything has happened. */
  protected abstract compile(method: DecoratedMethod): (call: Call) => (emitted: Emitted) => Promise<void>;

  prepare(method: DecoratedMethod): Around {
    const compiled = this.compile(method);
    return async (call, next) => {
      const write = compiled(call);
      // What becomes an entry must not be made of what a replica had.
      const emitted = await readingPrimary(next);
      await write(emitted);
      return emitted;
    };
  }
}

/** Removes the entries, and invalidates the tags, of `@CacheEvict`. */
export class CacheEvictLayer extends CacheWriteLayer {
  storeOf(method: DecoratedMethod): string | undefined {
    const metadata = method.metadata<CacheEvictMetadata>(CACHE_EVICT);
    return metadata && storeNameOf(metadata.options);
  }

  protected compile(method: DecoratedMethod): (call: Call) => (emitted: Emitted) => Promise<void> {
    const { keys: source, options } = present(method.metadata<CacheEvictMetadata>(CACHE_EVICT), '@CacheEvict');
    const keysOf = source === undefined ? () => [] : compileKeys(source, { decorator: '@CacheEvict', method });
    const tagsOf = compileTags(options.tags, { decorator: '@CacheEvict', method });
    return (call) => {
      const [keys, tags] = [keysOf(call), tagsOf(call)];
      for (const key of keys) checkEntryKey(key);
      return async (emitted) => {
        const floor = options.floor && { floor: checkSourceVersion(options.floor(emitted.at(-1)), 'floor') };
        await this.cache.evict({ keys, tags, ...floor });
      };
    };
  }
}

/** Keeps the value of `@CachePut`. */
export class CachePutLayer extends CacheWriteLayer {
  storeOf(method: DecoratedMethod): string | undefined {
    const metadata = method.metadata<CachePutMetadata>(CACHE_PUT);
    return metadata && storeNameOf(metadata.options);
  }

  protected compile(method: DecoratedMethod): (call: Call) => (emitted: Emitted) => Promise<void> {
    const { key, options } = present(method.metadata<CachePutMetadata>(CACHE_PUT), '@CachePut');
    const { store: _store, tags: source, ...write } = options;
    const keyOf = compileKey(key, { decorator: '@CachePut', method });
    const tagsOf = compileTags(source, { decorator: '@CachePut', method });
    return (call) => {
      const [only, tags] = [keyOf(call), tagsOf(call)];
      checkEntryKey(only);
      return (emitted) => {
        const value = emitted.at(-1);
        return value === undefined ? this.cache.delete(only) : this.cache.set(only, value, { ...write, tags });
      };
    };
  }
}

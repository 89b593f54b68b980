import { present } from '../base/assert.js';
import { InvalidOptionsError, isStoreAway, TransactionAbortedError } from '../base/errors.js';
import { storeNameOf } from '../base/store-name.js';
import type { EntryReader } from '../commit/entry-reader.js';
import type { Call } from '../pipeline/call.js';
import type { HttpExchange } from '../pipeline/http-exchange.js';
import { compileKey } from '../pipeline/key-source.js';
import { type Around, type DecoratedMethod, type Emitted, type PipelineLayer, RANK } from '../pipeline/layer.js';
import { checkKey } from '../store/key-space.js';
import { answersNotModified, showVersion } from '../version/conditional-read.js';
import { isWriteMethod } from '../version/preconditions.js';
import { ResourceCall, withResource } from '../version/resource-call.js';
import { VERSIONED, type VersionedOptions } from '../version/versioned.decorator.js';
import { CACHE_EVICT } from './cache-evict.decorator.js';
import { CACHE_PUT } from './cache-put.decorator.js';
import { type CacheModuleOptions, type LoadOptions, resolveLoadOptions } from './cache.options.js';
import { CACHED, type CachedMetadata } from './cached.decorator.js';
import type { TransactionalCache } from './transactional-cache.js';

type Next = Parameters<Around>[1];

/** Gets the entry of `@Cached`, and runs the method to load it when it is missing. */
export class CachedLayer implements PipelineLayer {
  readonly rank = RANK.load;
  readonly ownsAnswer = true;

  constructor(
    private readonly cache: TransactionalCache,
    private readonly reader: EntryReader,
    private readonly module: CacheModuleOptions,
  ) {}

  storeOf(method: DecoratedMethod): string | undefined {
    const metadata = method.metadata<CachedMetadata>(CACHED);
    return metadata && storeNameOf(metadata.options);
  }

  prepare(method: DecoratedMethod): Around {
    checkMethod(method);
    const { key, options } = present(method.metadata<CachedMetadata>(CACHED), '@Cached');
    const { store: _store, ...load } = options;
    const { onStoreError } = resolveLoadOptions(load, this.module);
    const keyOf = compileKey(key, { decorator: '@Cached', method });
    if (method.httpMethod === undefined) return (call, next) => this.load(keyOf(call), call, next, load);
    return (call, next) => this.answer(keyOf(call), call, next, { ...load, onStoreError });
  }

  /** The ETag is that of the entry, so it fits whatever part of the application shows it. */
  private async answer(key: string, call: Call, next: Next, options: LoadOptions): Promise<Emitted> {
    checkKey(key, 'key');
    const http = present(call.http, 'the exchange of a route');
    const resource = new ResourceCall(key, this.reader.store, false, undefined);
    let cache = 'HIT';
    const load: Next = () => {
      cache = 'MISS';
      return next();
    };
    let emitted: Emitted = [];
    const isConditional = http.header('if-none-match') !== undefined;
    if (!isConditional || !(await this.isNotModified(http, resource, options))) {
      emitted = await withResource(resource, () => this.load(key, call, load, options));
      showVersion(http, resource);
    }
    http.setHeader('X-Cache', cache);
    return emitted;
  }

  private async isNotModified(http: HttpExchange, resource: ResourceCall, options: LoadOptions): Promise<boolean> {
    try {
      return await answersNotModified(http, resource, this.reader);
    } catch (error) {
      if (options.onStoreError === 'throw' || !isStoreAway(error)) throw error;
      return false;
    }
  }

  private async load(key: string, call: Call, next: Next, options: LoadOptions): Promise<Emitted> {
    const own = { hasRun: false };
    const load = async (): Promise<unknown> => {
      own.hasRun = true;
      return (await next()).at(-1);
    };
    for (;;) {
      try {
        return [await this.cache.getOrLoad(key, load, options)];
      } catch (error) {
        // The client of the call whose load this one shared has left; this one's has not.
        if (own.hasRun || !(error instanceof TransactionAbortedError) || call.signal.aborted) throw error;
      }
    }
  }
}

function checkMethod(method: DecoratedMethod): void {
  const refuse = (problem: string): never => {
    const named = `${method.target.name}.${method.name}`;
    throw new InvalidOptionsError(`@Cached of ${named}: ${problem}`, { details: { method: named } });
  };
  if (method.httpMethod !== undefined && isWriteMethod(method.httpMethod))
    refuse(`what answers ${method.httpMethod} is not to be cached; decorate a GET, or the provider method that loads`);
  if (method.metadata<VersionedOptions>(VERSIONED)?.resource !== undefined)
    refuse('it speaks ETag and If-None-Match by itself; take the resource of @Versioned away, or @Cached');
  if (method.metadata(CACHE_PUT) !== undefined || method.metadata(CACHE_EVICT) !== undefined)
    refuse('a hit would leave the writes of @CachePut and @CacheEvict out; put them on a method of their own');
}

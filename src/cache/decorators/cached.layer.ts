import { followSignals } from '../../base/abort.js';
import { present } from '../../base/assert.js';
import { callScope } from '../../base/async-scope.js';
import { InvalidOptionsError } from '../../base/errors.js';
import { storeNameOf } from '../../base/store-name.js';
import type { Call } from '../../pipeline/call.js';
import { currentCall } from '../../pipeline/current-call.js';
import type { HttpExchange } from '../../pipeline/http-exchange.js';
import {
  type Around,
  type DecoratedMethod,
  type Emitted,
  type Next,
  type PipelineLayer,
  RANK,
} from '../../pipeline/layer.js';
import { checkKey } from '../../store/key-space.js';
import type { CacheTxnStore } from '../../store/store.js';
import { answersNotModified, showVersion } from '../../version/conditional-read.js';
import { ResourceCall, withResource } from '../../version/resource-call.js';
import { VERSIONED, type VersionedOptions } from '../../version/versioned.decorator.js';
import { CACHE_EVICT } from './cache-evict.decorator.js';
import { CACHE_PUT } from './cache-put.decorator.js';
import { type CacheModuleOptions, type LoadOptions, loadOptionsOf, resolveLoadOptions } from '../cache.options.js';
import { compileCachedKey, tellWhomFor } from './cached-key.js';
import { CACHED, type CachedMetadata } from './cached.decorator.js';
import { compileTags } from './tag-source.js';
import type { Loader } from '../loading/loader.js';
import { LoadReport, type LoadSource, withReport } from '../loading/load-report.js';
import { waitingCall } from '../loading/waiting-call.js';
import type { TransactionalCache } from '../transactional-cache.js';

/** Gets the entry of `@Cached`, and runs the method to load it when it is missing. */
export class CachedLayer implements PipelineLayer {
  readonly rank = RANK.load;
  readonly ownsAnswer = true;

  constructor(
    private readonly cache: TransactionalCache,
    private readonly store: CacheTxnStore,
    private readonly module: CacheModuleOptions,
    /** Whether a layer may answer in the method's place with nothing; another layer knows. */
    private readonly mayBeLeftOut: (method: DecoratedMethod) => boolean,
  ) {}

  storeOf(method: DecoratedMethod): string | undefined {
    const metadata = method.metadata<CachedMetadata>(CACHED);
    return metadata && storeNameOf(metadata.options);
  }

  prepare(method: DecoratedMethod): Around {
    checkMethod(method, this.mayBeLeftOut(method));
    const metadata = present(method.metadata<CachedMetadata>(CACHED), '@Cached');
    const { tags, ...others } = metadata.options;
    const options = loadOptionsOf(others);
    // Refused when the application starts, as what only the module can tell of them.
    resolveLoadOptions(options, this.module);
    const keyOf = compileCachedKey(metadata, this.module, method);
    const tagsOf = compileTags(tags, { decorator: '@Cached', method });
    return (call, next) => {
      const cached = keyOf(call);
      const { key } = cached;
      if (call.http !== undefined) tellWhomFor(call.http, cached);
      if (key === undefined) return bypass(call, next);
      const load = tags === undefined ? options : { ...options, tags: tagsOf(call) };
      return call.http === undefined ? this.load(key, call, next, load) : this.answer(key, call.http, call, next, load);
    };
  }

  /**
   * The ETag is that of the entry, so it fits whatever part of the application shows it, and a stale body as well. Inside a transaction nobody reports: what
   * its view had is a hit.
   */
  private async answer(
    key: string,
    http: HttpExchange,
    call: Call,
    next: Next,
    options: LoadOptions,
  ): Promise<Emitted> {
    checkKey(key, 'key');
    const resource = new ResourceCall(key, this.store, false, undefined);
    const report = new LoadReport(key);
    let ownSource: LoadSource = 'hit';
    const load: Next = (inner) => {
      ownSource = 'miss';
      return next(inner);
    };
    const emitted = await withReport(report, () => withResource(resource, () => this.load(key, call, load, options)));
    tellSource(http, report.source ?? ownSource, report.ageMs);
    if (answersNotModified(http, resource.shownVersion ?? 0)) return [];
    showVersion(http, resource);
    return emitted;
  }

  /**
   * The method has the signal of the load: when its time is over nobody waits for it any longer. Where its own call waits it has that one's signal, too; a
   * renewal goes on when the client has left, whose answer it is not.
   */
  private async load(key: string, call: Call, next: Next, options: LoadOptions): Promise<Emitted> {
    const load: Loader<unknown> = async (signal) => {
      const own = callScope.get(waitingCall) === call ? [call.signal] : [];
      // The client may have left while the call waited for another one's load.
      own[0]?.throwIfAborted();
      const either = followSignals([...own, signal]);
      const inner = { ...call, signal: either.signal };
      try {
        return (await callScope.run(currentCall, inner, () => next(inner))).at(-1);
      } finally {
        either.stop();
      }
    };
    return [await callScope.run(waitingCall, call, () => this.cache.getOrLoad(key, load, options))];
  }
}

/** The age is for caches on the way, and for what the store had: nothing else has been anywhere before (RFC 9111, 5.1). */
function tellSource(http: HttpExchange, source: LoadSource, ageMs: number | undefined): void {
  http.setHeader('X-Cache', source.toUpperCase());
  const isStored = source === 'hit' || source === 'stale';
  if (isStored && ageMs !== undefined) http.setHeader('Age', String(Math.floor(ageMs / 1_000)));
}

/** The answer of the method, for this call alone. */
function bypass({ http }: Call, next: Next): Promise<Emitted> {
  http?.setHeader('X-Cache', 'BYPASS');
  return next();
}

function checkMethod(method: DecoratedMethod, mayBeLeftOut: boolean): void {
  const refuse = (problem: string): never => {
    const named = `${method.target.name}.${method.name}`;
    throw new InvalidOptionsError(`@Cached of ${named}: ${problem}`, { details: { method: named } });
  };
  if (method.httpMethod !== undefined && !['GET', 'HEAD'].includes(method.httpMethod))
    refuse(`what answers ${method.httpMethod} is not to be cached; decorate a GET, or the provider method that loads`);
  if (method.metadata<VersionedOptions>(VERSIONED)?.resource !== undefined)
    refuse('it speaks ETag and If-None-Match by itself; take the resource of @Versioned away, or @Cached');
  if (mayBeLeftOut)
    refuse("@Locked with onBusy: 'skip' leaves it out, and then there is nothing to answer who shares its load");
  if (method.metadata(CACHE_PUT) !== undefined || method.metadata(CACHE_EVICT) !== undefined)
    refuse('a hit would leave the writes of @CachePut and @CacheEvict out; put them on a method of their own');
}

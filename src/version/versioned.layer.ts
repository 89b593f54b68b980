import { present } from '../base/assert.js';
import { InvalidOptionsError } from '../base/errors.js';
import { storeNameOf } from '../base/store-name.js';
import type { EntryReader } from '../commit/entry-reader.js';
import { compileKey } from '../pipeline/key-source.js';
import { type Around, type DecoratedMethod, type PipelineLayer, RANK } from '../pipeline/layer.js';
import { checkKey } from '../store/key-space.js';
import { currentAttempt } from './attempt.js';
import { answersNotModified, type IsCurrent, prefetch, showVersion } from './conditional-read.js';
import { type RetryDependencies, retryConflicts } from './conflict-retry.js';
import { isWriteMethod, preconditionOf } from './preconditions.js';
import { currentResource, ResourceCall, withResource } from './resource-call.js';
import { VERSIONED, type VersionedOptions } from './versioned.decorator.js';
import { resolveRetryOptions, type VersionModuleOptions } from './version.options.js';

/** Retries the method of `@Versioned` on conflicts, and speaks the conditional headers of HTTP for its resource. */
export class VersionedLayer implements PipelineLayer {
  readonly rank = RANK.retry;
  readonly ownsAnswer = true;

  constructor(
    private readonly reader: EntryReader,
    private readonly module: VersionModuleOptions,
    private readonly deps: RetryDependencies,
    /** Whether a method commits by itself also inside a transaction; another layer knows. */
    private readonly commitsItself: (method: DecoratedMethod) => boolean,
    private readonly isCurrent: IsCurrent,
  ) {}

  storeOf(method: DecoratedMethod): string | undefined {
    const options = method.metadata<VersionedOptions>(VERSIONED);
    return options && storeNameOf(options);
  }

  prepare(method: DecoratedMethod): Around {
    const options = present(method.metadata<VersionedOptions>(VERSIONED), '@Versioned');
    const retry = resolveRetryOptions(options, this.module);
    const deps = { ...this.deps, commitsItself: this.commitsItself(method) };
    const attempts: Around = (call, next) =>
      retryConflicts(retry, deps, call.signal, () => {
        if (currentAttempt(deps.owner).number > 1) currentResource(this.reader.store)?.forget();
        return next();
      });
    return options.resource === undefined ? attempts : this.aroundResource(options, method, attempts);
  }

  private aroundResource(options: VersionedOptions, method: DecoratedMethod, attempts: Around): Around {
    if (method.host === 'provider') {
      throw new InvalidOptionsError(
        `@Versioned of ${method.target.name}.${method.name}: a resource needs an HTTP method; a provider has no request`,
      );
    }
    const keyOf = compileKey(options.resource ?? '', { decorator: '@Versioned', method });
    const { etag = true, requireIfMatch = false } = options;
    return async (call, next) => {
      const { http } = call;
      if (http === undefined) return attempts(call, next);
      const key = keyOf(call);
      checkKey(key, 'key');
      const isWrite = isWriteMethod(http.method);
      const precondition = isWrite ? await preconditionOf(http, key, requireIfMatch, this.reader) : undefined;
      const resource = new ResourceCall(key, this.reader.store, isWrite, precondition);
      if (!isWrite && etag && answersNotModified(http, await prefetch(resource, this.reader, this.isCurrent)))
        return [];
      const emitted = await withResource(resource, () => attempts(call, next));
      if (etag) showVersion(http, resource);
      return emitted;
    };
  }
}

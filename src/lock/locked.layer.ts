import { present } from '../base/assert.js';
import { LockTimeoutError } from '../base/errors.js';
import { storeNameOf } from '../base/store-name.js';
import type { Call } from '../pipeline/call.js';
import { compileKeys } from '../pipeline/key-source.js';
import { type Around, type DecoratedMethod, type Emitted, type PipelineLayer, RANK } from '../pipeline/layer.js';
import { withHeldLock } from './held-locks.js';
import { LOCKED, type LockedMetadata } from './locked.decorator.js';
import type { LockService } from './lock.service.js';

/** Takes the locks of `@Locked` around a method. */
export class LockedLayer implements PipelineLayer {
  readonly rank = RANK.lock;
  readonly ownsAnswer = false;

  constructor(private readonly locks: LockService) {}

  storeOf(method: DecoratedMethod): string | undefined {
    const metadata = method.metadata<LockedMetadata>(LOCKED);
    return metadata && storeNameOf(metadata.options);
  }

  prepare(method: DecoratedMethod): Around {
    const metadata = present(method.metadata<LockedMetadata>(LOCKED), '@Locked');
    const namesOf = compileKeys(metadata.names, { decorator: '@Locked', method });
    const { onBusy = 'throw', store: _store, ...options } = metadata.options;
    const wait = options.wait ?? (onBusy === 'skip' ? 0 : undefined);
    return async (call, next) => {
      const names = namesOf(call);
      let lock;
      try {
        lock = await this.locks.acquireHandle(names, { ...options, ...(wait !== undefined && { wait }) }, call.signal);
      } catch (error) {
        if (onBusy === 'skip' && error instanceof LockTimeoutError) return skipped(call);
        throw error;
      }
      try {
        return await withHeldLock(lock, next);
      } finally {
        await lock.release();
      }
    };
  }
}

/** Whether a busy lock leaves the method out. */
export function skipsWhenBusy(method: DecoratedMethod): boolean {
  return method.metadata<LockedMetadata>(LOCKED)?.options.onBusy === 'skip';
}

/** The method did not run: 204 over HTTP, undefined elsewhere. */
function skipped(call: Call): Emitted {
  call.http?.setStatus(204);
  return [];
}

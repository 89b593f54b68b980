import { InvalidOptionsError } from '../base/errors.js';
import { layerDecorator } from '../pipeline/decorate.js';
import { compileKeys, type KeySource } from '../pipeline/key-source.js';
import { type LockedOptions, resolveLockOptions } from './lock.options.js';

/** What `@Locked` writes on a method or class. */
export interface LockedMetadata {
  readonly names: KeySource;
  readonly options: LockedOptions;
}

export const LOCKED = Symbol('@Locked');

/**
 * Runs the method while holding locks on `names`: templates such as `'order:{params.id}'`, or a function of the call.
 *
 * The lock is outside of everything else this library does around the method, whatever the order of the decorators:
 * it is held through retries and through the commit. When it is lost, `@LockSignal()` fires and a commit is refused.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function Locked(names: KeySource, options: LockedOptions = {}): MethodDecorator & ClassDecorator {
  compileKeys(names, { decorator: '@Locked' });
  resolveLockOptions(options, {});
  if (!['throw', 'skip', undefined].includes(options.onBusy)) {
    throw new InvalidOptionsError(`@Locked: onBusy ${JSON.stringify(options.onBusy)} is none of throw, skip`, {
      details: { option: 'onBusy' },
    });
  }
  return layerDecorator(LOCKED, { names, options } satisfies LockedMetadata);
}

import { oneOf, onlyOptions } from '../base/option-checks.js';
import { layerDecorator, refuseBareUse } from '../pipeline/decorate.js';
import { compileKeys, type KeySource } from '../pipeline/key-source.js';
import { LOCKED_OPTIONS, type LockedOptions, resolveLockOptions } from './lock.options.js';

/** What `@Locked` writes on a method or class. */
export interface LockedMetadata {
  readonly names: KeySource;
  readonly options: LockedOptions;
}

export const LOCKED = Symbol('@Locked');

/**
 * Runs the method while holding the locks that `source` names: templates such as `'order:{params.id}'`, or a function of the call.
 *
 * The lock is outside of everything else this library does around the method, whatever the order of the decorators:
 * it is held through retries and through the commit. When it is lost, `@LockSignal()` fires and a commit is refused;
 * a method without `@CacheTxn` that goes on all the same is answered as usual, so let it heed the signal or hand out the
 * fence.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function Locked<R extends object = Record<string, unknown>>(
  source: KeySource<R>,
  options: LockedOptions = {},
): MethodDecorator & ClassDecorator {
  // Requests are whatever the transport gives; R is the application's own word for them.
  const names = source as KeySource;
  refuseBareUse("@Locked('order:{params.id}')", source);
  compileKeys(names, { decorator: '@Locked' });
  onlyOptions(options, LOCKED_OPTIONS, '@Locked');
  resolveLockOptions(options, {});
  oneOf(options.onBusy ?? 'throw', ['throw', 'skip'], '@Locked onBusy');
  return layerDecorator(LOCKED, { names, options } satisfies LockedMetadata);
}

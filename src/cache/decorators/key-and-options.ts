import { InvalidOptionsError } from '../../base/errors.js';
import type { KeySource } from '../../pipeline/key-source.js';

/** The arguments of a decorator whose key may be left out. */
export interface KeyAndOptions<O> {
  readonly key: KeySource | undefined;
  readonly options: O;
}

/**
 * Tells `(key, options)` from `(options)`.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` where something that is no key stands before options
 */
export function keyAndOptions<O extends object>(
  decorator: string,
  first: KeySource | O,
  second: O | undefined,
): KeyAndOptions<O | Record<string, never>> {
  const isKey = typeof first === 'string' || typeof first === 'function' || Array.isArray(first);
  if (isKey) return { key: first as KeySource, options: second ?? {} };
  if (typeof first === 'object' && second === undefined) return { key: undefined, options: first as O };
  throw new InvalidOptionsError(`${decorator}: first comes the key, a template or a function of the call`, {
    details: { decorator },
  });
}

import { InvalidOptionsError } from '../base/errors.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { StoreBound } from '../base/store-name.js';
import { layerDecorator, refuseBareUse } from '../pipeline/decorate.js';
import { compileKey, type KeySource } from '../pipeline/key-source.js';
import { RETRY_OPTIONS, resolveRetryOptions, type RetryOptions } from './version.options.js';

/** Options of `@Versioned`. */
export interface VersionedOptions extends RetryOptions, StoreBound {
  /**
   * The entry that an HTTP method is about: its version becomes the ETag, and the client's `If-Match` is checked inside
   * the commit. A method that may change it runs in a transaction even without `@CacheTxn`.
   */
  readonly resource?: Exclude<KeySource, readonly string[]>;
  /** Sends the ETag and answers `If-None-Match` with 304. Default true; needs `resource`. */
  readonly etag?: boolean;
  /** A method that may change the resource answers 428 to a request without `If-Match`. Default false; needs `resource`. */
  readonly requireIfMatch?: boolean;
}

const VERSIONED_OPTIONS: OptionNames<VersionedOptions> = {
  ...RETRY_OPTIONS,
  resource: true,
  etag: true,
  requireIfMatch: true,
  store: true,
};

export const VERSIONED = Symbol('@Versioned');

/**
 * Runs the method again when its commit met a version conflict, with full-jitter pauses, within attempts and budget.
 * With `resource` it speaks ETag, If-None-Match and If-Match; a client's own If-Match is never retried.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function Versioned(options: VersionedOptions = {}): MethodDecorator & ClassDecorator {
  refuseBareUse('@Versioned()', options);
  onlyOptions(options, VERSIONED_OPTIONS, '@Versioned');
  resolveRetryOptions(options, {});
  if (options.resource !== undefined) compileKey(options.resource, { decorator: '@Versioned' });
  else if (options.requireIfMatch || options.etag) {
    throw new InvalidOptionsError('@Versioned: etag and requireIfMatch need a resource', {
      details: { option: 'resource' },
    });
  }
  return layerDecorator(VERSIONED, options);
}

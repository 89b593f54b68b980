import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import type { StoreBound } from '../base/store-name.js';
import { layerDecorator, refuseBareUse } from '../pipeline/decorate.js';
import { resolveTransactionOptions, type TransactionOptions } from './txn.options.js';

/** Options of `@CacheTxn`. */
export interface CacheTxnOptions
  extends Pick<TransactionOptions, 'propagation' | 'isolation' | 'timeout' | 'readOnly'>, StoreBound {}

const CACHE_TXN_OPTIONS: OptionNames<CacheTxnOptions> = {
  propagation: true,
  isolation: true,
  timeout: true,
  readOnly: true,
  store: true,
};

export const CACHE_TXN = Symbol('@CacheTxn');

/**
 * Collects every cache write made during the call and commits them all, or none, before the answer leaves. The commit
 * demands the locks of the call and the versions it read.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function CacheTxn(options: CacheTxnOptions = {}): MethodDecorator & ClassDecorator {
  refuseBareUse('@CacheTxn()', options);
  onlyOptions(options, CACHE_TXN_OPTIONS, '@CacheTxn');
  resolveTransactionOptions(options, {});
  return layerDecorator(CACHE_TXN, options);
}

import type { StoreBound } from '../base/store-name.js';
import { layerDecorator } from '../pipeline/decorate.js';
import { resolveTransactionOptions, type TransactionOptions } from './txn.options.js';

/** Options of `@CacheTxn`. */
export interface CacheTxnOptions
  extends Pick<TransactionOptions, 'propagation' | 'isolation' | 'timeout' | 'readOnly'>, StoreBound {}

export const CACHE_TXN = Symbol('@CacheTxn');

/**
 * Collects every cache write made during the call and commits them all, or none, before the answer leaves. The commit
 * demands the locks of the call and the versions it read.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function CacheTxn(options: CacheTxnOptions = {}): MethodDecorator & ClassDecorator {
  resolveTransactionOptions(options, {});
  return layerDecorator(CACHE_TXN, options);
}

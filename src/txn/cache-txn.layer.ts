import { InvalidOptionsError } from '../base/errors.js';
import { storeNameOf } from '../base/store-name.js';
import type { Call } from '../pipeline/call.js';
import { type Around, type DecoratedMethod, type PipelineLayer, RANK } from '../pipeline/layer.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentResource } from '../version/resource-call.js';
import { isWriteMethod } from '../version/preconditions.js';
import { VERSIONED, type VersionedOptions } from '../version/versioned.decorator.js';
import { CACHE_TXN, type CacheTxnOptions } from './cache-txn.decorator.js';
import { isApart } from './propagation.js';
import type { TransactionCoordinator } from './transaction-coordinator.js';

/** Runs the method of `@CacheTxn` as a transaction. */
export class CacheTxnLayer implements PipelineLayer {
  readonly rank = RANK.txn;
  readonly ownsAnswer = true;

  constructor(
    private readonly coordinator: TransactionCoordinator,
    private readonly store: CacheTxnStore,
  ) {}

  storeOf(method: DecoratedMethod): string | undefined {
    const own = method.metadata<CacheTxnOptions>(CACHE_TXN);
    if (own) return storeNameOf(own);
    const versioned = method.metadata<VersionedOptions>(VERSIONED);
    return versioned && changesResource(method) ? storeNameOf(versioned) : undefined;
  }

  prepare(method: DecoratedMethod): Around {
    checkOneStore(method);
    const own = method.metadata<CacheTxnOptions>(CACHE_TXN) ?? {};
    const options = changesResource(method) ? forResource(method, own) : own;
    // A method that this one calls has transactions of its own, which must neither demand nor bump the resource.
    const { store } = this;
    const resourceOf = hasResource(method) ? () => currentResource(store) : (): undefined => undefined;
    return (call: Call, next) =>
      this.coordinator.execute({ ...options, signal: call.signal }, () => next(), resourceOf());
  }
}

/** Whether the method commits by itself also inside a transaction. */
export function commitsItself(method: DecoratedMethod): boolean {
  const options = method.metadata<CacheTxnOptions>(CACHE_TXN);
  return options !== undefined && isApart(options.propagation);
}

function checkOneStore(method: DecoratedMethod): void {
  const own = method.metadata<CacheTxnOptions>(CACHE_TXN);
  const versioned = method.metadata<VersionedOptions>(VERSIONED);
  if (!own || !versioned || storeNameOf(own) === storeNameOf(versioned)) return;
  const named = `${method.target.name}.${method.name}`;
  throw new InvalidOptionsError(
    `@CacheTxn and @Versioned of ${named} name two stores, but what is retried is the commit: give both the same \`store\``,
    { details: { method: named } },
  );
}

function hasResource(method: DecoratedMethod): boolean {
  return method.metadata<VersionedOptions>(VERSIONED)?.resource !== undefined;
}

function changesResource(method: DecoratedMethod): boolean {
  return hasResource(method) && method.httpMethod !== undefined && isWriteMethod(method.httpMethod);
}

/** A method that may change a versioned resource has its If-Match checked by its commit, so it needs one. */
function forResource(method: DecoratedMethod, options: CacheTxnOptions): CacheTxnOptions {
  const { propagation = 'required', readOnly = false } = options;
  if (['required', 'requires_new', 'nested'].includes(propagation) && !readOnly) return options;
  throw new InvalidOptionsError(
    `@CacheTxn of ${method.target.name}.${method.name}: a method that changes the resource of @Versioned needs a transaction that can ` +
      `write, not ${readOnly ? 'readOnly' : `propagation ${propagation}`}`,
  );
}

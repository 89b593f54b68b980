import { TransactionStateError } from '../base/errors.js';
import type { Transaction } from './transaction.js';

/**
 * What a function gets that runs without a transaction (`supports`, `not_supported`, `never`): every write in it is
 * its own commit, so there is nothing to mark and nothing to hook into.
 */
export class NoTransaction implements Transaction {
  readonly id = 'none';

  constructor(
    readonly attempt: number,
    /** By default one of its own: on a shared one the listeners of all calls would pile up. */
    readonly signal: AbortSignal = new AbortController().signal,
  ) {}

  setRollbackOnly(): never {
    return this.refuse('setRollbackOnly');
  }

  enlist(): never {
    return this.refuse('enlist');
  }

  beforeCommit(): never {
    return this.refuse('beforeCommit');
  }

  afterCommit(): never {
    return this.refuse('afterCommit');
  }

  afterRollback(): never {
    return this.refuse('afterRollback');
  }

  afterCompletion(): never {
    return this.refuse('afterCompletion');
  }

  private refuse(what: string): never {
    throw new TransactionStateError(
      `${what}: there is no transaction here; put @CacheTxn on the method, or look at its propagation`,
    );
  }
}

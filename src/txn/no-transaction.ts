import { TransactionStateError } from '../base/errors.js';
import type { Transaction } from './transaction.js';

const NEVER = new AbortController().signal;

/**
 * What a function gets that runs without a transaction (`supports`, `not_supported`, `never`): every write in it is
 * its own commit, so there is nothing to mark and nothing to hook into.
 */
export class NoTransaction implements Transaction {
  readonly id = 'none';

  constructor(
    readonly attempt: number,
    readonly signal: AbortSignal = NEVER,
  ) {}

  setRollbackOnly(): never {
    return this.refuse('setRollbackOnly');
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
      `${what}: there is no transaction here (propagation supports, not_supported or never)`,
    );
  }
}

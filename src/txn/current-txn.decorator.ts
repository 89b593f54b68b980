import { createParamDecorator } from '@nestjs/common';
import { currentAttempt } from '../version/attempt.js';
import { currentTransaction } from './active-transaction.js';
import { NoTransaction } from './no-transaction.js';
import type { Transaction } from './transaction.js';

/** The transaction of the call: `@CurrentTxn() txn: Transaction`; its hooks throw where the method runs without one. */
export const CurrentTxn = createParamDecorator(
  (): Transaction => currentTransaction() ?? new NoTransaction(currentAttempt().number),
);

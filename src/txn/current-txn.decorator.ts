import { createParamDecorator } from '@nestjs/common';
import { innermostTransaction } from './active-transaction.js';
import { NoTransaction } from './no-transaction.js';
import type { Transaction } from './transaction.js';

/**
 * The innermost transaction of the call: `@CurrentTxn() txn: Transaction`, or of one store: `@CurrentTxn('other')`; its
 * hooks throw where the method runs without one.
 */
export const CurrentTxn: (storeName?: string) => ParameterDecorator = createParamDecorator(
  (storeName?: string): Transaction => innermostTransaction(storeName) ?? new NoTransaction(1),
);

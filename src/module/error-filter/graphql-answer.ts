import type { CacheTxnError } from '../../base/errors.js';
import type { ErrorAnswer } from './error-answer.js';

/**
 * The error that a resolver fails with: GraphQL servers put its `extensions` beside message and path. Its `cause` is
 * the error itself, for a `formatError` of the application; it is not sent.
 */
export function graphqlError({ message, ...extensions }: ErrorAnswer, cause: CacheTxnError): Error {
  return Object.assign(new Error(message, { cause }), { extensions });
}

import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import { CONNECTION_LOST } from './database-door.js';
import { isAtDatabase, type Operation } from './steps.js';
import type { Thrown } from './cells.js';

/** The code of an error that no store throws, and no driver. */
const BUG = 'FAILPOINT';
/** Of a driver that got no answer. */
const NO_ANSWER = 'ETIMEDOUT';

/** What the owner may hear of failpoints, and of a database that has ended its session while it was stopped: the driver's own words. */
export const CODES_OF_FAILPOINTS: readonly string[] = [
  ...[BUG, NO_ANSWER, CONNECTION_LOST],
  'unexpected Error: Client has encountered a connection error and is not queryable',
  'unexpected Error: Connection terminated unexpectedly',
];

/** An error as the store throws it, or the driver of the database. */
export function errorAt(operation: Operation, thrown: Thrown, message: string): Error {
  if (thrown === 'bug') return withCode(BUG, message);
  if (isAtDatabase(operation)) return withCode(thrown === 'timeout' ? NO_ANSWER : CONNECTION_LOST, message);
  return thrown === 'timeout' ? new StoreTimeoutError(message) : new StoreUnavailableError(message);
}

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

import { describe, expect, it } from '@jest/globals';
import * as library from '../../../src/index.js';
import { CacheTxnError, type ErrorContext } from '../../../src/base/errors.js';

type ErrorClass = new (message: string, context?: ErrorContext) => CacheTxnError;

/** Every error class that the package exports, found rather than listed. */
const classes = Object.entries(library)
  .filter(([, value]) => typeof value === 'function' && value.prototype instanceof CacheTxnError)
  .map(([name, value]) => [name, value as unknown as ErrorClass] as const);

/** The stable part of the contract: code, and whether the same call may succeed when made again. */
const CONTRACT: Readonly<Record<string, readonly [code: string, retryable: boolean]>> = {
  LockTimeoutError: ['LOCK_TIMEOUT', true],
  LockLostError: ['LOCK_LOST', true],
  VersionConflictError: ['VERSION_CONFLICT', true],
  PreconditionFailedError: ['PRECONDITION_FAILED', false],
  PreconditionRequiredError: ['PRECONDITION_REQUIRED', false],
  TransactionTimeoutError: ['TXN_TIMEOUT', true],
  TransactionInDoubtError: ['TXN_IN_DOUBT', false],
  TransactionRolledBackError: ['TXN_ROLLED_BACK', false],
  TransactionAbortedError: ['TXN_ABORTED', false],
  TransactionStateError: ['TXN_STATE', false],
  LoadTimeoutError: ['LOAD_TIMEOUT', true],
  StoreUnavailableError: ['STORE_UNAVAILABLE', true],
  StoreTimeoutError: ['STORE_TIMEOUT', false],
  StoreReplyError: ['STORE_REPLY', false],
  KeyTemplateError: ['KEY_TEMPLATE', false],
  LimitExceededError: ['LIMIT_EXCEEDED', false],
  ShuttingDownError: ['SHUTTING_DOWN', true],
  InvalidOptionsError: ['INVALID_OPTIONS', false],
};

describe('the errors of the package', () => {
  it('are all exported, each with a code of its own', () => {
    expect(classes.map(([name]) => name).sort()).toEqual(Object.keys(CONTRACT).sort());
    const codes = classes.map(([, Class]) => new Class('m').code);
    expect(new Set(codes).size).toBe(classes.length);
  });

  it.each(classes)('%s keeps its code, its name and whether it is retryable', (name, Class) => {
    const error = new Class('the message');
    expect([error.code, error.retryable]).toEqual(CONTRACT[name]);
    expect([error.name, error.message, String(error)]).toEqual([name, 'the message', `${name}: the message`]);
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(CacheTxnError);
    expect(error.stack).toContain('errors.spec');
  });

  it.each(classes)('%s carries details and a cause, and neither where there is none', (_name, Class) => {
    const cause = new Error('cause');
    const full = new Class('m', { details: { key: 'a' }, cause });
    expect([full.details, full.cause]).toEqual([{ key: 'a' }, cause]);
    const bare = new Class('m');
    expect([bare.details, 'cause' in bare]).toEqual([{}, false]);
  });
});

import type { CacheTxnError, CacheTxnErrorCode } from '../../base/errors.js';

/** What a caller learns of an error, the same on every transport; the rest of it stays in this process. */
export interface ErrorAnswer {
  readonly code: CacheTxnErrorCode;
  readonly message: string;
  /** Whether the same call, made again unchanged, may succeed. */
  readonly retryable: boolean;
  /** When it is worth asking again, in milliseconds; 1,000 to 60,000. Undefined where waiting changes nothing. */
  readonly retryAfterMs?: number;
}

/**
 * Whose doing each error is. What the `server` or the `program` is to blame for is logged; what a mistake in the
 * program says is for its operators, and callers do not get it. A caller that left is nobody's doing.
 */
const BLAME: Readonly<Record<CacheTxnErrorCode, 'caller' | 'server' | 'program' | 'nobody'>> = {
  LOCK_TIMEOUT: 'caller',
  LOCK_LOST: 'server',
  VERSION_CONFLICT: 'caller',
  PRECONDITION_FAILED: 'caller',
  PRECONDITION_REQUIRED: 'caller',
  TXN_TIMEOUT: 'server',
  TXN_IN_DOUBT: 'server',
  TXN_ROLLED_BACK: 'caller',
  TXN_ABORTED: 'nobody',
  TXN_STATE: 'program',
  LOAD_TIMEOUT: 'server',
  STORE_UNAVAILABLE: 'server',
  STORE_TIMEOUT: 'server',
  STORE_REPLY: 'program',
  KEY_TEMPLATE: 'caller',
  LIMIT_EXCEEDED: 'caller',
  SHUTTING_DOWN: 'server',
  INVALID_OPTIONS: 'program',
};

const WITH_RETRY_AFTER: ReadonlySet<CacheTxnErrorCode> = new Set([
  'LOCK_TIMEOUT',
  'TXN_IN_DOUBT',
  'LOAD_TIMEOUT',
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'SHUTTING_DOWN',
]);

export function blameFor({ code }: CacheTxnError): (typeof BLAME)[CacheTxnErrorCode] {
  return BLAME[code];
}

/** Nothing but what any caller may know: no details, no cause, no stack. */
export function answerOf(error: CacheTxnError): ErrorAnswer {
  const { code, retryable } = error;
  return {
    code,
    message: blameFor(error) === 'program' ? 'Internal server error' : error.message,
    retryable,
    ...(WITH_RETRY_AFTER.has(code) && { retryAfterMs: retryAfterMs(error) }),
  };
}

/** The rest of the holder's lease where it is known, between 1 and 60 seconds. */
function retryAfterMs({ details }: CacheTxnError): number {
  const { remainingMs } = details;
  return typeof remainingMs === 'number' ? Math.min(60_000, Math.max(1_000, Math.ceil(remainingMs))) : 1_000;
}

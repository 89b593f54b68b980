import type { AbstractHttpAdapter } from '@nestjs/core';
import type { CacheTxnErrorCode } from '../../base/errors.js';
import type { ErrorAnswer } from './error-answer.js';

/** HTTP status of each code; what is not listed is a mistake in the application: 500. */
const STATUS: Partial<Record<CacheTxnErrorCode, number>> = {
  LOCK_TIMEOUT: 423,
  LOCK_LOST: 503,
  VERSION_CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  PRECONDITION_REQUIRED: 428,
  TXN_TIMEOUT: 503,
  TXN_IN_DOUBT: 503,
  TXN_ROLLED_BACK: 409,
  TXN_ABORTED: 503,
  LOAD_TIMEOUT: 503,
  STORE_UNAVAILABLE: 503,
  STORE_TIMEOUT: 503,
  SHUTTING_DOWN: 503,
  KEY_TEMPLATE: 400,
  LIMIT_EXCEEDED: 413,
};

/** Sends `{ statusCode, code, message }` with its status and, where waiting helps, `Retry-After` in seconds. */
export function answerHttp(
  { code, message, retryAfterMs }: ErrorAnswer,
  adapter: AbstractHttpAdapter,
  response: unknown,
): void {
  if (hasBegun(adapter, response)) {
    // A method with `@Res()` failed after it had answered, or in the middle of it.
    adapter.end(response);
    return;
  }
  if (retryAfterMs !== undefined) adapter.setHeader(response, 'Retry-After', String(Math.ceil(retryAfterMs / 1_000)));
  const statusCode = STATUS[code] ?? 500;
  adapter.reply(response, { statusCode, code, message }, statusCode);
}

/** Nest 11 does not see an answer that a method has begun around Fastify, through `reply.raw`. */
function hasBegun(adapter: AbstractHttpAdapter, response: unknown): boolean {
  const { raw } = response as { readonly raw?: { readonly headersSent?: boolean } };
  return raw?.headersSent === true || adapter.isHeadersSent(response) === true;
}

import { type Observable, throwError } from 'rxjs';
import type { ErrorAnswer } from './error-answer.js';

/**
 * What a filter of a microservice handler returns: a stream that fails with a plain object, as Nest makes it of an
 * `RpcException`. The transport sends the object, and the client's observable fails with it.
 */
export function answerRpc(answer: ErrorAnswer): Observable<never> {
  return throwError(() => ({ status: 'error', ...answer }));
}

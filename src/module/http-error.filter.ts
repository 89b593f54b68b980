import { type ArgumentsHost, Catch, type ExceptionFilter, type FactoryProvider, Logger } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { CacheTxnError, type CacheTxnErrorCode } from '../base/errors.js';

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
  STORE_UNAVAILABLE: 503,
  STORE_TIMEOUT: 503,
  SHUTTING_DOWN: 503,
  KEY_TEMPLATE: 400,
  LIMIT_EXCEEDED: 413,
};

const WITH_RETRY_AFTER: readonly CacheTxnErrorCode[] = [
  'LOCK_TIMEOUT',
  'TXN_IN_DOUBT',
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'SHUTTING_DOWN',
];

/**
 * Answers HTTP requests that failed with an error of this library; other transports get the error as it is.
 * To replace it, catch `CacheTxnError` in a filter of your own; `forRoot({ errorFilter: false })` leaves this one out.
 */
@Catch(CacheTxnError)
export class CacheTxnErrorFilter implements ExceptionFilter<CacheTxnError> {
  private readonly logger = new Logger('CacheTxn');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: CacheTxnError, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const { httpAdapter } = this.host;
    const response: unknown = host.switchToHttp().getResponse();
    const statusCode = STATUS[error.code] ?? 500;
    // A client that left is nobody's failure, and nobody is there to read the answer.
    if (statusCode >= 500 && error.code !== 'TXN_ABORTED') this.logger.error(`${error.code}: ${error.message}`);
    if (httpAdapter.isHeadersSent(response)) {
      // A method with `@Res()` failed after it had answered, or in the middle of it.
      httpAdapter.end(response);
      return;
    }
    if (WITH_RETRY_AFTER.includes(error.code))
      httpAdapter.setHeader(response, 'Retry-After', String(retryAfterSeconds(error)));
    const message = statusCode === 500 ? 'Internal server error' : error.message;
    httpAdapter.reply(response, { statusCode, code: error.code, message }, statusCode);
  }
}

/** The rest of the holder's lease where it is known, between 1 and 60 seconds. */
function retryAfterSeconds({ details }: CacheTxnError): number {
  const { remainingMs } = details;
  return typeof remainingMs === 'number' ? Math.min(60, Math.max(1, Math.ceil(remainingMs / 1_000))) : 1;
}

/** The filter for the whole application. */
export const errorFilterProvider: FactoryProvider<ExceptionFilter> = {
  provide: APP_FILTER,
  inject: [HttpAdapterHost],
  useFactory: (host: HttpAdapterHost) => new CacheTxnErrorFilter(host),
};

import { type ArgumentsHost, Catch, type ExceptionFilter, type FactoryProvider, Inject, Logger } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { CacheTxnError } from '../../base/errors.js';
import { answerOf, blameFor } from './error-answer.js';
import { graphqlError } from './graphql-answer.js';
import { answerHttp } from './http-answer.js';
import { answerRpc } from './rpc-answer.js';
import { answerWs } from './ws-answer.js';

/**
 * Answers calls that failed with an error of this library in the form of their transport: HTTP, microservice, WebSocket
 * or GraphQL. Others get the error as it is.
 *
 * Nest runs no global filter for gateways, and none for a hybrid application's microservice without `inheritAppConfig`:
 * put `@UseFilters(CacheTxnErrorFilter)` on those classes. To replace it, catch `CacheTxnError` in a filter of your own;
 * `forRoot({ errorFilter: false })` leaves this one out.
 */
@Catch(CacheTxnError)
export class CacheTxnErrorFilter implements ExceptionFilter<CacheTxnError> {
  private readonly logger = new Logger('CacheTxn');

  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  /** Gives what Nest expects of a filter on the transport: a failing stream for a microservice, nothing elsewhere. */
  catch(error: CacheTxnError, host: ArgumentsHost): unknown {
    const transport = host.getType<string>();
    const answer = answerOf(error);
    switch (transport) {
      case 'http':
        this.log(error);
        answerHttp(answer, this.host.httpAdapter, host.switchToHttp().getResponse());
        return undefined;
      case 'rpc':
        this.log(error, { hasMaybeNoCaller: true });
        return answerRpc(answer);
      case 'ws':
        this.log(error);
        answerWs(answer, host);
        return undefined;
      case 'graphql':
        this.log(error);
        throw graphqlError(answer, error);
      default:
        throw error;
    }
  }

  /** A line for what an operator can mend, and for what nobody else may be told. */
  private log(error: CacheTxnError, { hasMaybeNoCaller = false } = {}): void {
    const line = `${error.code}: ${error.message}`;
    const blame = blameFor(error);
    if (blame === 'server') this.logger.error(line);
    // Whoever mends it wants to know which call it was.
    else if (blame === 'program') this.logger.error(line, error.stack);
    // Behind an event stands nobody, and a filter cannot tell an event from a request.
    else if (hasMaybeNoCaller && blame === 'caller') this.logger.warn(line);
  }
}

/** The filter for the whole application. */
export const errorFilterProvider: FactoryProvider<ExceptionFilter> = {
  provide: APP_FILTER,
  inject: [HttpAdapterHost],
  useFactory: (host: HttpAdapterHost) => new CacheTxnErrorFilter(host),
};

import type { ExecutionContext, Type } from '@nestjs/common';
import type { HttpExchange } from './http-exchange.js';

/**
 * How the call reached the method. `provider` is a plain method call on an injected instance; `rpc` is a microservice, and any
 * library with an execution context of its own.
 */
export type Transport = 'http' | 'rpc' | 'ws' | 'graphql' | 'provider';

/** One call of a decorated method, as key functions and layers see it; `R` is what the application knows of its requests. */
export interface Call<R extends object = Record<string, unknown>> {
  readonly transport: Transport;
  readonly target: Type;
  readonly methodName: string;
  /**
   * The method's own arguments for a provider, otherwise the transport's, before pipes and parameter decorators: HTTP
   * (request, response), rpc (message, context), ws (client, message), graphql (parent, arguments, context, info).
   */
  readonly args: readonly unknown[];
  /** The request of an HTTP call, `req` of a GraphQL context; an empty object on other transports. */
  readonly request: Readonly<R>;
  /** The message of a microservice or WebSocket handler, the arguments of a GraphQL field; undefined elsewhere. */
  readonly data: unknown;
  /** Headers, status and method of an HTTP call; undefined on other transports. */
  readonly http: HttpExchange | undefined;
  readonly context: ExecutionContext | undefined;
  /**
   * Aborts when whoever waits for the answer leaves before it; the reason is a TransactionAbortedError. A provider call
   * inside such a call has the same signal.
   *
   * That is: an HTTP client that disconnects, over GraphQL too; a socket.io client that disconnects; a TCP client of a
   * microservice whose connection closes; and an interceptor that unsubscribes. It never aborts for an event of a
   * microservice, for which nobody waits, nor over a broker such as Redis, where a client that leaves, or unsubscribes from
   * its answer, tells nobody.
   */
  readonly signal: AbortSignal;
}

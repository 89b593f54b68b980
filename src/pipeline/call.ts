import type { ExecutionContext, Type } from '@nestjs/common';
import type { HttpExchange } from './http-exchange.js';

/** How the call reached the method. `provider` is a plain method call on an injected instance. */
export type Transport = 'http' | 'rpc' | 'ws' | 'graphql' | 'provider';

/** One call of a decorated method, as key functions and layers see it; `R` is what the application knows of its requests. */
export interface Call<R extends object = Record<string, unknown>> {
  readonly transport: Transport;
  readonly target: Type;
  readonly methodName: string;
  /** The method's own arguments for a provider; the transport's raw arguments otherwise. */
  readonly args: readonly unknown[];
  /** The request of an HTTP or GraphQL call; an empty object on other transports. */
  readonly request: Readonly<R>;
  /** The message of a microservice or WebSocket handler, the arguments of a GraphQL field; undefined elsewhere. */
  readonly data: unknown;
  /** Headers, status and method of an HTTP call; undefined on other transports. */
  readonly http: HttpExchange | undefined;
  readonly context: ExecutionContext | undefined;
  /**
   * Aborts when the client disconnects or the subscriber leaves before the answer; the reason is a
   * TransactionAbortedError. A provider call inside such a call has the same signal.
   */
  readonly signal: AbortSignal;
}

import type { ExecutionContext } from '@nestjs/common';
import type { Call, Transport } from './call.js';
import type { HttpExchange } from './http-exchange.js';
import type { DecoratedMethod } from './layer.js';

const NO_REQUEST: Call['request'] = Object.freeze({});

/** What differs from one transport to the next; positions are those of Nest's `ArgumentsHost`. */
const READ: Readonly<
  Record<Exclude<Transport, 'provider'>, (args: readonly unknown[]) => Pick<Call, 'request' | 'data'>>
> = {
  http: ([request]) => ({ request: request as Call['request'], data: undefined }),
  rpc: ([data]) => ({ request: NO_REQUEST, data }),
  ws: ([, data]) => ({ request: NO_REQUEST, data }),
  // A resolver gets (parent, arguments, context, info); drivers put the request into the context.
  graphql: ([, data, context]) => ({
    request: (context as { readonly req?: Call['request'] } | undefined)?.req ?? NO_REQUEST,
    data,
  }),
};

/** The call of a handler that Nest runs, from its execution context. */
export function handlerCall(
  context: ExecutionContext,
  method: DecoratedMethod,
  http: HttpExchange | undefined,
  signal: AbortSignal,
): Call {
  const transport = transportOf(context);
  const args: readonly unknown[] = context.getArgs();
  return {
    transport,
    target: method.target,
    methodName: method.name,
    args,
    ...READ[transport](args),
    http,
    context,
    signal,
  };
}

/** Libraries with contexts of their own (message brokers) give the message first, like Nest's microservices. */
function transportOf(context: ExecutionContext): keyof typeof READ {
  const type = context.getType<string>();
  return Object.hasOwn(READ, type) ? (type as keyof typeof READ) : 'rpc';
}

import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import {
  METHOD_METADATA,
  RESPONSE_PASSTHROUGH_METADATA,
  ROUTE_ARGS_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { InvalidOptionsError } from '../base/errors.js';
import type { DecoratedMethod } from './layer.js';
import { isFieldResolver, type Method } from './nest-metadata.js';

/**
 * Describes `target.name` from what Nest's and our decorators wrote on `method` and its class.
 *
 * A class's decorators do not mean its field resolvers: those run once for each object of an answer that is made already.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a field resolver with a decorator of its own
 */
export function describeMethod(
  target: Type,
  name: string,
  method: Method,
  host: DecoratedMethod['host'],
): DecoratedMethod {
  const isField = isFieldResolver(method);
  // Only a decorator of its own makes a method that Nest does not count as a handler one of the pipeline's.
  if (isField && host === 'provider') throw unreachable(target, name);
  const verb: unknown = host === 'controller' ? Reflect.getMetadata(METHOD_METADATA, method) : undefined;
  return {
    target,
    name,
    host,
    httpMethod: typeof verb === 'number' ? RequestMethod[verb] : undefined,
    answer: host === 'controller' ? answerOf(target, name, method) : 'returned',
    metadata: <T>(key: symbol) =>
      Reflect.getMetadata(key, isField || Reflect.hasMetadata(key, method) ? method : target) as T | undefined,
  };
}

/** The name under which `target` has `method`; Nest's execution context gives the function only. */
export function methodName(target: Type, method: Method): string {
  let prototype: object | null = target.prototype as object;
  while (prototype !== null) {
    const found = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
      ([, { value }]) => value === method,
    );
    if (found.length > 0) return found.find(([name]) => name === method.name)?.[0] ?? found[0]?.[0] ?? method.name;
    prototype = Reflect.getPrototypeOf(prototype);
  }
  return method.name;
}

/** Follows Nest's own rule (`RouterExecutionContext.isResponseHandled`). */
function answerOf(target: Type, name: string, method: Method): DecoratedMethod['answer'] {
  if (Reflect.hasMetadata(SSE_METADATA, method)) return 'sse';
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target, name) ?? {}) as object;
  const takesResponse = Object.keys(parameters).some((key) => {
    const [type] = key.split(':');
    return type === String(RouteParamtypes.RESPONSE) || type === String(RouteParamtypes.NEXT);
  });
  const isPassthrough = Boolean(Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, target, name));
  return takesResponse && !isPassthrough ? 'response' : 'returned';
}

function unreachable(target: Type, name: string): InvalidOptionsError {
  return new InvalidOptionsError(
    `${target.name}.${name} is a @ResolveField() or @ResolveReference(): @nestjs/graphql calls it past interceptors and wrappers, so a ` +
      'decorator on it would do nothing. Decorate the query or mutation, or a provider method that it calls',
    { details: { method: `${target.name}.${name}` } },
  );
}

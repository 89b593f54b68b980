import 'reflect-metadata';
import { UseInterceptors } from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { InvalidOptionsError } from '../base/errors.js';
import { PipelineInterceptor } from './pipeline.interceptor.js';

/**
 * Makes a decorator that writes `value` under `metadataKey`, where Nest's `Reflector` finds it, and attaches the one
 * pipeline interceptor, once however many of our decorators are stacked.
 *
 * On a class it applies to every route and message handler of a controller, gateway or resolver, and to every public
 * method of another provider; a method's own decorator replaces the class's.
 *
 * @param metadataKey its description names the decorator in messages, such as `Symbol('@Locked')`
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined, on anything but a class or an instance
 * method, and on a second decorator of the same kind
 */
export function layerDecorator(metadataKey: symbol, value: unknown): MethodDecorator & ClassDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const decorated = decoratedFunction(metadataKey, target, name, descriptor);
    if (Reflect.hasOwnMetadata(metadataKey, decorated)) {
      throw refusal(
        metadataKey,
        target,
        name,
        'is already there: the second would silently replace the first. Join the two into one',
      );
    }
    Reflect.defineMetadata(metadataKey, value, decorated);
    if (isDecorated(decorated)) return;
    if (name !== undefined && descriptor !== undefined) UseInterceptors(PipelineInterceptor)(target, name, descriptor);
    // On a class, Nest's decorator takes the class alone; its type cannot say that target is one.
    else UseInterceptors(PipelineInterceptor)(decorated);
  };
}

/** The same for decorators that are about one method only. @throws InvalidOptionsError `INVALID_OPTIONS` on a class as well */
export function methodDecorator(metadataKey: symbol, value: unknown): MethodDecorator {
  const decorate = layerDecorator(metadataKey, value);
  return (target, name, descriptor) => {
    if ((name as unknown) === undefined)
      throw refusal(
        metadataKey,
        target,
        undefined,
        'is about one method, not about a class: its methods would share the key',
      );
    decorate(target, name, descriptor);
  };
}

/**
 * Refuses `@CacheTxn` for `@CacheTxn()`: it would take what it stands on for its options, and decorate nothing.
 *
 * @param usage how it is written
 * @param first the first argument of the factory
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function refuseBareUse(usage: string, first: unknown): void {
  const isClass =
    typeof first === 'function' && Object.getOwnPropertyDescriptor(first, 'prototype')?.writable === false;
  const isPrototype = typeof first === 'object' && first !== null && Object.hasOwn(first, 'constructor');
  if (!isClass && !isPrototype) return;
  const { name } = (isClass ? first : first.constructor) as { readonly name: string };
  throw new InvalidOptionsError(`a decorator in ${name} stands without its parentheses: write ${usage}`, {
    details: { on: name },
  });
}

/** Whether a class (or one it extends) or a method carries any decorator made here. */
export function isDecorated(decorated: object): boolean {
  const interceptors: unknown = Reflect.getMetadata(INTERCEPTORS_METADATA, decorated);
  return Array.isArray(interceptors) && interceptors.includes(PipelineInterceptor);
}

type AnyFunction = (...args: never[]) => unknown;

function decoratedFunction(
  key: symbol,
  target: object,
  name?: string | symbol,
  descriptor?: PropertyDescriptor,
): AnyFunction {
  if (name === undefined) return target as AnyFunction;
  if (typeof name !== 'string')
    throw refusal(key, target, name, "needs a method with a plain name (and TypeScript's experimentalDecorators)");
  if (typeof target === 'function')
    throw refusal(key, target, name, 'cannot work on a static method: Nest has no instance to run it on');
  const method: unknown = descriptor?.value;
  if (typeof method !== 'function')
    throw refusal(key, target, name, 'works on methods only, not on properties or accessors');
  return method as AnyFunction;
}

function refusal(key: symbol, target: object, name: unknown, problem: string): InvalidOptionsError {
  const owner = typeof target === 'function' ? target.name : target.constructor.name;
  const where =
    name === undefined
      ? owner
      : `${owner}.${typeof name === 'string' || typeof name === 'symbol' ? String(name) : '?'}`;
  return new InvalidOptionsError(`${key.description ?? 'the decorator'} on ${where} ${problem}`, {
    details: { on: where },
  });
}

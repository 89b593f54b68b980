import type { Type } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { isDecorated } from './decorate.js';
import { describeMethod } from './decorated-method.js';
import type { DecoratedMethod } from './layer.js';
import { isHandler, isHandlerProvider, type Method } from './nest-metadata.js';

/** Called by Nest at its own moments; a class-level decorator never means them. */
const LIFECYCLE_HOOKS: ReadonlySet<string> = new Set([
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/**
 * Every method of `target` that a decorator of this library applies to, inherited ones included.
 *
 * A method's own decorator always applies. A class's applies to each handler that Nest calls, and, unless the class is a
 * controller, gateway or resolver, to every other method except the constructor, Nest's lifecycle hooks, accessors,
 * symbols, `#private` methods and names that start with `_`, the usual sign for private: TypeScript's `private` is gone
 * at run time.
 */
export function decoratedMethods(target: Type, isController: boolean): readonly DecoratedMethod[] {
  const prototype = target.prototype as Readonly<Record<string, Method>>;
  const classApplies = isDecorated(target);
  const handlersOnly = isController || isHandlerProvider(target);
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const method = prototype[name];
    if (method === undefined) return [];
    const host = isHandler(method) ? 'controller' : 'provider';
    const applies =
      isDecorated(method) || (classApplies && (host === 'controller' || (!handlersOnly && isPublic(name))));
    return applies ? [describeMethod(target, name, method, host)] : [];
  });
}

function isPublic(name: string): boolean {
  return !name.startsWith('_') && !LIFECYCLE_HOOKS.has(name);
}

import 'reflect-metadata';
import { HOST_METADATA, PATH_METADATA, VERSION_METADATA } from '@nestjs/common/constants.js';
import type { Type } from '@nestjs/common';

/*
 * Metadata keys of optional Nest packages, copied because those packages may not be installed:
 * @nestjs/microservices and @nestjs/websockets `constants.ts`, @nestjs/graphql `graphql.constants.ts`.
 */
const MESSAGE_PATTERN = 'microservices:pattern';
const HANDLER_TYPE = 'microservices:handler_type';
const EVENT = 2;
const SUBSCRIBED_MESSAGE = 'websockets:message_mapping';
const GATEWAY = 'websockets:is_gateway';
const RESOLVER = 'graphql:resolver_type';
const FIELD_RESOLVER = 'graphql:resolve_property';
const REFERENCE_RESOLVER = 'graphql:resolve_reference';

/** A method as found on a class: called with any `this` and any arguments. */
export type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Whether Nest itself calls this method, behind its interceptors: a route, a message pattern, a subscribed message, a
 * query, mutation or subscription. A field resolver is none: Nest runs no interceptors for it by default.
 */
export function isHandler(method: Method): boolean {
  return [PATH_METADATA, MESSAGE_PATTERN, SUBSCRIBED_MESSAGE, RESOLVER].some((key) => Reflect.hasMetadata(key, method));
}

/** Whether the class is a provider to Nest's injector but a host of handlers like a controller: a gateway or a resolver. */
export function isHandlerProvider(target: Type): boolean {
  return [GATEWAY, RESOLVER].some((key) => Reflect.hasMetadata(key, target));
}

/** Whether the method is a query, mutation or subscription, whose context may have the request. */
export function isResolver(method: Method): boolean {
  return Reflect.hasMetadata(RESOLVER, method);
}

/** Whether the method resolves a field or a reference, which Nest calls past interceptors and past what is put around an instance. */
export function isFieldResolver(method: Method): boolean {
  return [FIELD_RESOLVER, REFERENCE_RESOLVER].some((key) => Reflect.hasMetadata(key, method));
}

/** Whether the controller answers some hosts only. */
export function isOfHost(target: Type): boolean {
  return Reflect.getMetadata(HOST_METADATA, target) !== undefined;
}

/** The versions of an API that a route answers, as Nest finds them: its own, else those of its controller; empty for none. */
export function versionsOf(target: Type, method: Method): readonly string[] {
  const version: unknown =
    Reflect.getMetadata(VERSION_METADATA, method) ?? Reflect.getMetadata(VERSION_METADATA, target);
  return version === undefined ? [] : [version].flat().map(String);
}

/** Whether it handles events of a microservice, for which nobody waits. */
export function isEventHandler(method: Method): boolean {
  return Reflect.getMetadata(HANDLER_TYPE, method) === EVENT;
}

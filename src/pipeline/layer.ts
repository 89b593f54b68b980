import type { Type } from '@nestjs/common';
import type { Call } from './call.js';

/** Order of the layers from the outside in; the stacking of decorators does not matter (G33). */
export const RANK = { load: 5, lock: 10, retry: 20, txn: 30, write: 40 } as const;

/** A method that carries at least one decorator of this library. */
export interface DecoratedMethod {
  readonly target: Type;
  readonly name: string;
  /** `controller` methods (routes, message handlers, resolvers) run behind an interceptor, `provider` methods are wrapped on the instance. */
  readonly host: 'controller' | 'provider';
  /** Upper-case verb of an HTTP route; undefined for anything else. */
  readonly httpMethod: string | undefined;
  /**
   * Who sends the answer: Nest what the method `returned`, an event stream (`@Sse()`), or the method itself through
   * `@Res()` or `@Next()` without passthrough.
   */
  readonly answer: 'returned' | 'sse' | 'response';
  /** Metadata under `key`: the method's own, else that of its class, else undefined. */
  metadata<T>(key: symbol): T | undefined;
}

/**
 * What the method emitted, in order: one value for a value or a promise, any number for an observable. An empty list
 * that a layer makes itself answers `undefined`.
 */
export type Emitted = readonly unknown[];

/** What is further inside, for this call or for a copy of it with another signal. */
export type Next = (call?: Call) => Promise<Emitted>;

/** Runs one call around the next inner layer; may run `next` several times, each run calls the method again. */
export type Around = (call: Call, next: Next) => Promise<Emitted>;

/** One feature around decorated methods. */
export interface PipelineLayer {
  readonly rank: number;
  /**
   * True for layers that need to hold the answer back, to change it, or to run the method again: no `@Sse()`, no `@Res()`.
   *
   * When no layer of a handler does, what the method emits leaves at once (an event stream keeps streaming under its
   * lock), `next` may run once and gives an empty list when the method has completed.
   */
  readonly ownsAnswer: boolean;
  /** The name of the store that the method wants this kind of layer for; undefined when it does not ask for one. */
  storeOf(method: DecoratedMethod): string | undefined;
  /**
   * Compiles the layer for one method that asked for it, once, at boot.
   * @throws InvalidOptionsError `INVALID_OPTIONS` for options that cannot work
   */
  prepare(method: DecoratedMethod): Around;
}

/** Injection token under which the module of a store has its layers, registered in the pipeline. */
export const PIPELINE_LAYERS = Symbol('nestjs-cache-txn layers');

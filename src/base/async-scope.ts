import { AsyncLocalStorage } from 'node:async_hooks';

/** Names one thing that travels with a call, and its type. */
export class ScopeKey<T> {
  declare protected readonly type: T;
  constructor(readonly description: string) {}
}

type Bindings = ReadonlyMap<ScopeKey<unknown>, unknown>;

const EMPTY: Bindings = new Map();

/**
 * What travels with an asynchronous call: its locks, its transaction, its attempt.
 *
 * Bindings are immutable: an inner call sees the outer ones, never the other way round, and work that outlives the
 * call keeps seeing what it started with.
 */
export class AsyncScope {
  private readonly storage = new AsyncLocalStorage<Bindings>();

  /** The innermost binding of `key`, or undefined. */
  get<T>(key: ScopeKey<T>): T | undefined {
    return this.storage.getStore()?.get(key) as T | undefined;
  }

  /** Runs `fn` with `key` bound to `value`; `undefined` hides an outer binding. */
  run<T, R>(key: ScopeKey<T>, value: T | undefined, fn: () => R): R {
    const bindings = new Map(this.storage.getStore() ?? EMPTY);
    bindings.set(key, value);
    return this.storage.run(bindings, fn);
  }
}

/**
 * The one scope of this process. It is shared rather than injected because parameter decorators have no injector and
 * because locks of two modules in one application belong to the same call.
 */
export const callScope = new AsyncScope();

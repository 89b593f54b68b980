import { AsyncLocalStorage } from 'node:async_hooks';

/** A key with what it is bound to; undefined hides an outer binding. */
export interface Binding {
  readonly index: number;
  readonly value: unknown;
}

/** Names one thing that travels with a call, and its type. */
export class ScopeKey<T> {
  private static count = 0;
  declare protected readonly type: T;
  /** Its place in the bindings; keys belong to modules of code or of an application, so there are few. */
  readonly index = ScopeKey.count++;
  constructor(readonly description: string) {}

  to(value: T | undefined): Binding {
    return { index: this.index, value };
  }
}

/** One value for each key, by its index: copied for each inner call, so it must be cheap to copy. */
type Bindings = readonly unknown[];

const NONE: Bindings = [];

/**
 * What travels with an asynchronous call: its locks, its transaction, its attempt.
 *
 * Bindings are immutable: an inner call sees the outer ones, never the other way round, and work that outlives the
 * call keeps seeing what it started with.
 */
export class AsyncScope {
  private readonly storage = new AsyncLocalStorage<Bindings>();

  /** Whether the present call has no binding at all. */
  get isOutside(): boolean {
    const bindings = this.storage.getStore();
    return bindings === undefined || bindings === NONE;
  }

  /** The innermost binding of `key`, or undefined. */
  get<T>(key: ScopeKey<T>): T | undefined {
    return this.storage.getStore()?.[key.index] as T | undefined;
  }

  /** Runs `fn` with `key` bound to `value`; `undefined` hides an outer binding. */
  run<T, R>(key: ScopeKey<T>, value: T | undefined, fn: () => R): R {
    return this.runAll([key.to(value)], fn);
  }

  /** Runs `fn` outside of everything: work that outlives the call must not go on with its locks. */
  runOutside<R>(fn: () => R): R {
    return this.storage.run(NONE, fn);
  }

  /** Runs `fn` with several bindings at once. */
  runAll<R>(added: readonly Binding[], fn: () => R): R {
    const bindings = (this.storage.getStore() ?? NONE).slice();
    for (const { index, value } of added) bindings[index] = value;
    return this.storage.run(bindings, fn);
  }
}

/**
 * The one scope of this process. It is shared rather than injected because parameter decorators have no injector and
 * because locks of two modules in one application belong to the same call.
 */
export const callScope = new AsyncScope();

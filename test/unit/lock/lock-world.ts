import { AsyncResource } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import type { ErrorOrigin } from '../../../src/base/error-sink.js';
import { LockService } from '../../../src/lock/lock.service.js';
import type { LockModuleOptions } from '../../../src/lock/lock.options.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { ScriptedStore } from '../../support/stores/scripted-store.js';

/** One application process of a test: a lock service on a store that the test can disturb. */
export interface LockProcess {
  readonly locks: LockService;
  readonly store: ScriptedStore;
  /** Errors that belong to no call. */
  readonly reported: { readonly error: unknown; readonly origin: ErrorOrigin }[];
  /** Lets the process's own clock run ahead of its timers, as a blocked event loop does. */
  block(ms: number): void;
}

export interface LockWorldOptions {
  /** How far each slot's server clock is ahead, in ms; one entry for each slot. Default: one slot in step. */
  readonly slotsAheadMs?: readonly number[];
  /** Default: the number that a name begins with, so that `'1:b'` lives in slot 1. */
  readonly slotOfName?: (name: string) => number;
  readonly lock?: LockModuleOptions;
  /** Chance; default always 0.5. */
  readonly random?: () => number;
}

/** Processes that share a server, all on one clock that moves only when the test says so. */
export class LockWorld {
  readonly clock = new ManualClock();
  private readonly backends: readonly MemoryBackend[];

  constructor(private readonly options: LockWorldOptions = {}) {
    const { slotsAheadMs = [0] } = options;
    this.backends = slotsAheadMs.map(
      (aheadMs) => new MemoryBackend({ timeUs: () => this.clock.timeUs() + aheadMs * 1_000 }),
    );
  }

  async process(): Promise<LockProcess> {
    const { lock = {}, random = () => 0.5 } = this.options;
    const slotOfName = this.options.slotOfName ?? ((name: string) => Number.parseInt(name, 10) || 0);
    const store = new ScriptedStore(
      this.backends.map((backend) => memoryStore({ backend })),
      this.backends.length > 1 ? slotOfName : undefined,
    );
    const reported: LockProcess['reported'] = [];
    const report = (error: unknown, origin: ErrorOrigin): void => void reported.push({ error, origin });
    await store.start({ namespace: 'unit', processLabel: 'unit', report, warn: () => undefined });
    let blockedMs = 0;
    const { clock } = this;
    const own = {
      now: () => clock.now() + blockedMs,
      // Like setTimeout, a timer runs in the asynchronous context that set it.
      after: (delayMs: number, fn: () => void) => clock.after(delayMs, AsyncResource.bind(fn)),
    };
    const locks = new LockService({ store, options: lock, clock: own, random, report });
    return { locks, store, reported, block: (ms) => (blockedMs += ms) };
  }

  /** Moves time on and lets everything that is on its way arrive. */
  elapse(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Lets everything that is on its way arrive, at the same moment. */
  settle(): Promise<void> {
    return this.elapse(0);
  }
}

/** A promise whose state can be looked at. */
export interface Observed<T> {
  readonly state: 'pending' | 'fulfilled' | 'rejected';
  /** @throws Error unless it is fulfilled */
  readonly value: T;
  readonly error: unknown;
}

export function observe<T>(promise: Promise<T>): Observed<T> {
  const seen: { state: Observed<T>['state']; result?: T; error?: unknown } = { state: 'pending' };
  promise.then(
    (result) => Object.assign(seen, { state: 'fulfilled', result }),
    (error: unknown) => Object.assign(seen, { state: 'rejected', error }),
  );
  return {
    get state() {
      return seen.state;
    },
    get value() {
      if (seen.state !== 'fulfilled') throw new Error(`the promise is ${seen.state}`, { cause: seen.error });
      return seen.result as T;
    },
    get error() {
      return seen.error;
    },
  };
}

/** Listeners of a signal, and signals that follow it by `AbortSignal.any`, which Node 20 never forgets. */
export function followersOf(signal: AbortSignal): number {
  const hidden = Object.getOwnPropertySymbols(signal).find((symbol) => /dependant/i.test(String(symbol)));
  const dependants = hidden === undefined ? undefined : (signal as never as Record<symbol, Set<unknown>>)[hidden];
  return getEventListeners(signal, 'abort').length + (dependants?.size ?? 0);
}

import type { Clock } from '../../base/clock.js';

/** Failures in a row after which the store is left alone. */
const MOST_FAILURES = 5;
/** For so long; then one call asks again. */
const PAUSE_MS = 1_000;

/** Keeps loads from waiting for a store that does not answer: a circuit breaker, with one call that probes in each pause. */
export class StoreBreaker {
  private failures = 0;
  private nextAskMs = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether the caller is to ask the store, and then to tell how that went. */
  asks(): boolean {
    if (this.failures < MOST_FAILURES) return true;
    if (this.clock.now() < this.nextAskMs) return false;
    this.nextAskMs = this.clock.now() + PAUSE_MS;
    return true;
  }

  answered(): void {
    this.failures = 0;
  }

  failed(): void {
    this.failures += 1;
    this.nextAskMs = this.clock.now() + PAUSE_MS;
  }
}

import { AsyncResource } from 'node:async_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock, Timer } from '../base/clock.js';
import { type Duration, toMs } from '../base/duration.js';

interface PendingTimer {
  readonly dueMs: number;
  readonly fn: () => void;
  /** Like setTimeout, a timer runs in the asynchronous context that set it. */
  readonly setBy: AsyncResource;
}

/** Timers one advance may run; more means that a timer arms itself again without waiting. */
const MAX_TIMERS_PER_ADVANCE = 100_000;

/** How fast time passes in {@link ManualClock.advanceUntil}: ten times as fast as on the wall, in steps of one real millisecond. */
const STEP_MS = 10;

/** 2024-01-01T00:00:00Z in microseconds: a plausible date that makes every run the same. */
const START_US = 1_704_067_200_000_000;

/**
 * A clock that moves only when told to, for the local durations of a process and for the time of a memory store:
 * `memoryStore({ timeUs: clock.timeUs })`.
 */
export class ManualClock implements Clock {
  private nowMs = 0;
  /** In the order in which they were set. */
  private readonly timers = new Set<PendingTimer>();

  /** Milliseconds advanced so far. */
  now(): number {
    return this.nowMs;
  }

  /** The same moment as server time: microseconds since 1970, beginning with 2024. */
  readonly timeUs = (): number => START_US + Math.round(this.nowMs * 1_000);

  /** Timers that are set and neither fired nor cancelled. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  after(delayMs: number, fn: () => void): Timer {
    const timer = { dueMs: this.nowMs + Math.max(delayMs, 0), fn, setBy: new AsyncResource('ManualTimer') };
    this.timers.add(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
      },
    };
  }

  /**
   * Moves time on and runs every timer that comes due, at its own moment: in order of time, then in the order in which
   * they were set, those set meanwhile included.
   */
  advance(ms: number): void {
    const endMs = this.nowMs + nonNegative(ms);
    for (let ran = 0; this.runNext(endMs); ran += 1) refuseEndless(ran);
    this.nowMs = endMs;
  }

  /** Like {@link advance}, and lets promises settle before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const endMs = this.nowMs + nonNegative(ms);
    await setImmediate();
    for (let ran = 0; this.runNext(endMs); ran += 1) {
      refuseEndless(ran);
      await setImmediate();
    }
    this.nowMs = endMs;
    await setImmediate();
  }

  /**
   * Lets time pass, ten times as fast as on the wall, until the promise has settled, and answers what it answers. For
   * pauses whose length the test does not know, such as those between two attempts.
   *
   * @param options.within how much time of this clock may pass, default `'10s'`
   * @throws Error when the promise is still pending then; otherwise what the promise rejects with
   */
  async advanceUntil<T>(promise: PromiseLike<T>, { within = '10s' }: { readonly within?: Duration } = {}): Promise<T> {
    const withinMs = toMs(within, 'within');
    const endMs = this.nowMs + withinMs;
    let isPending = true;
    const settle = (): void => void (isPending = false);
    const settling = Promise.resolve(promise);
    settling.then(settle, settle);
    // What runs meanwhile may do real work, such as answering an HTTP request: it gets a real moment for each step.
    await setTimeout(1);
    while (isPending) {
      if (this.nowMs >= endMs) throw new Error(`the promise is still pending after ${withinMs} ms of the manual clock`);
      await this.advanceAsync(Math.min(STEP_MS, endMs - this.nowMs));
      await setTimeout(1);
    }
    return settling;
  }

  private runNext(endMs: number): boolean {
    let next: PendingTimer | undefined;
    for (const timer of this.timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    if (next === undefined) return false;
    this.timers.delete(next);
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    next.setBy.runInAsyncScope(next.fn);
    return true;
  }
}

function nonNegative(ms: number): number {
  if (!(ms >= 0)) throw new RangeError(`a clock cannot advance by ${ms} ms`);
  return ms;
}

function refuseEndless(ran: number): void {
  if (ran >= MAX_TIMERS_PER_ADVANCE)
    throw new Error(`more than ${MAX_TIMERS_PER_ADVANCE} timers in one advance: one of them arms itself again at once`);
}

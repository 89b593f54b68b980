import type { Clock, Timer } from '../../../src/base/clock.js';
import type { Scheduler } from '../engine/scheduler.js';

/** A process of the application: what reaches it, timers and answers alike, waits while it is paused and is lost once it crashed. */
export class SimProcess {
  /** Monotonic, and unlike the clock of any other process. */
  readonly clock: Clock;
  private crashed = false;
  private pausedUntilMs = 0;
  private pausedForMs = 0;
  private backlog: (() => void)[] = [];

  constructor(
    readonly name: string,
    private readonly scheduler: Scheduler,
    startedMsAgo: number,
  ) {
    this.clock = {
      now: () => startedMsAgo + scheduler.nowMs,
      after: (delayMs, run): Timer => this.after(delayMs, run),
    };
  }

  get hasCrashed(): boolean {
    return this.crashed;
  }

  get isPaused(): boolean {
    return this.pausedUntilMs > this.scheduler.nowMs;
  }

  /** All its pauses together. */
  get pausesMs(): number {
    return this.pausedForMs;
  }

  /** Runs in this process, after a while. */
  after(delayMs: number, run: () => void): Timer {
    return this.scheduler.after(delayMs, () => {
      this.run(run);
    });
  }

  crash(): void {
    this.crashed = true;
    this.backlog = [];
  }

  pause(forMs: number): void {
    if (this.crashed || this.isPaused) return;
    this.pausedUntilMs = this.scheduler.nowMs + forMs;
    this.pausedForMs += forMs;
    this.scheduler.after(forMs, () => {
      const waiting = this.backlog;
      this.backlog = [];
      for (const run of waiting) this.after(0, run);
    });
  }

  private run(run: () => void): void {
    if (this.crashed) return;
    if (this.isPaused) this.backlog.push(run);
    else run();
  }
}

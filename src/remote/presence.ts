import type { Clock, Timer } from '../base/clock.js';

/**
 * The part of each lease that is given up for safety, as of a lock's: it covers the drift of two clocks, and leaves the node a
 * moment to leave before others go on without it.
 */
function marginMs(leaseMs: number): number {
  return Math.min(500, Math.max(5, leaseMs * 0.05));
}

/**
 * How long this node is surely a member, by its own monotonic clock: from the moment before each look was sent. `onLapse` is called once, when that
 * is over, or when somebody asks after it: timers run late where a process was stopped.
 */
export class Presence {
  private validUntilMs = -Infinity;
  private timer: Timer | undefined;
  private isOver = false;

  constructor(
    private readonly clock: Clock,
    private readonly leaseMs: number,
    private readonly onLapse: () => void,
  ) {}

  /** The server has answered a look that was sent at `sentAtMs`; the first one begins it. */
  extend(sentAtMs: number): void {
    const untilMs = sentAtMs + this.leaseMs - marginMs(this.leaseMs);
    if (this.isOver || (this.timer !== undefined && !this.isValid())) return;
    this.validUntilMs = Math.max(this.validUntilMs, untilMs);
    if (this.timer === undefined) this.arm();
  }

  isValid(): boolean {
    if (!this.isOver && this.timer !== undefined && this.clock.now() >= this.validUntilMs) this.lapse();
    return !this.isOver && this.timer !== undefined;
  }

  /** Ends it now. */
  lapse(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.timer?.cancel();
    this.onLapse();
  }

  /** One timer at a time; a renewal only moves the moment, and the timer finds out when it fires. */
  private arm(): void {
    this.timer = this.clock.after(this.validUntilMs - this.clock.now(), () => {
      if (this.isValid()) this.arm();
    });
  }
}

import { performance } from 'node:perf_hooks';

/** One instant of the embedded server: what a Redis script learns from one `TIME`. */
export interface Instant {
  /** Milliseconds since 1970, for leases and TTLs; never goes back. */
  readonly ms: number;
  /** Microseconds since 1970, for fences and versions; larger than in every earlier instant. */
  readonly us: number;
}

/** Reads microseconds since 1970. */
export type TimeUs = () => number;

/**
 * The date when the process started plus the monotonic time since: a wall clock that is set back or forward while the
 * process runs moves no lease.
 */
export const systemTimeUs: TimeUs = () => (performance.timeOrigin + performance.now()) * 1_000;

/**
 * The time of the embedded server.
 *
 * Two operations never share a microsecond, not even on a clock that stands still. That is what makes a version or a
 * fence unique after its key has been deleted, evicted or forgotten: no number handed out runs ahead of the operations
 * counted so far, so the next `us` is larger than all of them.
 */
export class ServerTime {
  private lastMs = 0;
  private lastUs = 0;

  constructor(private readonly readUs: TimeUs) {}

  /** The instant of one operation; call it once per operation. */
  tick(): Instant {
    const us = Math.floor(this.readUs());
    this.lastMs = Math.max(this.lastMs, Math.floor(us / 1_000));
    this.lastUs = Math.max(this.lastUs + 1, us);
    return { ms: this.lastMs, us: this.lastUs };
  }
}

/** A number larger than `previous` and not below the server's time: the next fence or version. */
export function nextStamp(previous: number, now: Instant): number {
  return Math.max(previous + 1, now.us);
}

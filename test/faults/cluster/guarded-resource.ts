import type { Recorder } from '../../support/history/recorder.js';

/**
 * Something outside the failing servers, a row of a database say, that accepts a write only under a fence that is not
 * smaller than the last: what the fences are for.
 */
export class GuardedResource {
  private highest = 0;
  private writes = 0;

  constructor(
    private readonly name: string,
    private readonly recorder: Recorder,
  ) {}

  /** Whether the write was accepted. */
  write(fence: number, op: string): boolean {
    const isAccepted = fence >= this.highest;
    if (isAccepted) this.highest = fence;
    this.writes += 1;
    this.recorder.record({ kind: 'guarded-write', resource: this.name, seq: this.writes, fence, op, isAccepted });
    return isAccepted;
  }
}

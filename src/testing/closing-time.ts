import type { OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';
import { setTimeout } from 'node:timers/promises';
import type { ManualClock } from './manual-clock.js';

/** What passes in one real millisecond: a `shutdownGrace` of 5 s, twice, takes half a second. */
const STEP_MS = 20;
/** What a node without running calls needs to close at most; then no time passes. */
const PATIENCE_MS = 20;
/** 100 s on the manual clock; whatever still runs then is not waiting for time. */
const MAX_STEPS = 5_000;

/**
 * Lets time pass while an application closes, or a lock that a test left behind would keep it from ever closing: its
 * `shutdownGrace` is measured on the manual clock.
 */
export class ClosingTime implements OnModuleDestroy, OnApplicationShutdown {
  private closing = 0;

  constructor(private readonly clock: ManualClock) {}

  onModuleDestroy(): void {
    this.closing += 1;
    if (this.closing === 1) void this.pass();
  }

  onApplicationShutdown(): void {
    this.closing -= 1;
  }

  private async pass(): Promise<void> {
    await setTimeout(PATIENCE_MS);
    for (let steps = 0; this.closing > 0 && steps < MAX_STEPS; steps += 1) {
      if (this.clock.pendingTimers > 0) await this.clock.advanceAsync(STEP_MS);
      await setTimeout(1);
    }
  }
}

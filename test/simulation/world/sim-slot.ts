import type { MemorySlot } from '../../../src/memory/memory-slot.js';
import { MemorySpace } from '../../../src/memory/memory-space.js';
import { type Instant, ServerTime } from '../../../src/memory/server-time.js';
import type { Scheduler } from '../engine/scheduler.js';

/** One command, as the server of a slot runs it. */
export type Step<T> = (memory: MemorySlot, now: Instant, space: MemorySpace) => T;

/** 2024-01-01T00:00:00Z in milliseconds: a plausible date that makes every run the same. */
const START_MS = 1_704_067_200_000;

/** A master of a cluster: the reference model of one slot, and a share of the list of open transactions, on a clock of its own. */
export class SimSlot {
  private space: MemorySpace;
  private time: ServerTime;
  /** What a failover replays, but for the last of it; undefined where there is none. */
  private readonly journal: { readonly step: Step<unknown>; readonly now: Instant }[] | undefined;
  pausedUntilMs = 0;
  private failovers = 0;

  constructor(
    readonly index: number,
    private readonly scheduler: Scheduler,
    private readonly options: {
      readonly skewMs: number;
      readonly makeSlot: () => MemorySlot;
      readonly canFailOver: boolean;
    },
  ) {
    this.space = new MemorySpace([options.makeSlot()]);
    this.time = this.clock(options.skewMs);
    this.journal = options.canFailOver ? [] : undefined;
  }

  /** Which server it is now. */
  get runId(): string {
    return `s${this.index}.${this.failovers}`;
  }

  /** Runs a command at this moment of its clock. */
  perform<T>(step: Step<T>): T {
    const now = this.time.tick();
    this.journal?.push({ step, now });
    return step(this.space.slot(0), now, this.space);
  }

  /** Looks without being noticed: no command, no tick of the clock. */
  peek<T>(look: Step<T>): T {
    const ms = Math.floor(START_MS + this.scheduler.nowMs + this.options.skewMs);
    return look(this.space.slot(0), { ms, us: ms * 1_000 }, this.space);
  }

  /** A replica takes over that has not heard of the last `lost` commands. */
  failOver(lost: number): void {
    const { journal } = this;
    if (journal === undefined) throw new Error('this slot has no replica');
    this.failovers += 1;
    journal.length = Math.max(0, journal.length - lost);
    this.space = new MemorySpace([this.options.makeSlot()]);
    for (const { step, now } of journal) step(this.space.slot(0), now, this.space);
  }

  private clock(skewMs: number): ServerTime {
    return new ServerTime(() => (START_MS + this.scheduler.nowMs + skewMs) * 1_000);
  }
}

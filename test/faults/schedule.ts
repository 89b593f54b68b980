import { setTimeout as sleep } from 'node:timers/promises';
import { between, pick } from './seed.js';

/** One fault of a schedule. */
export interface Step<Fault> {
  readonly atMs: number;
  readonly fault: Fault;
}

export interface ScheduleOptions<Fault> {
  readonly random: () => number;
  /** No fault begins later. */
  readonly durationMs: number;
  /** The shortest and the longest time between two faults. */
  readonly gapMs: readonly [number, number];
  readonly faults: readonly Fault[];
}

/** More would be a mistake in the options. */
const MAX_STEPS = 1_000;

/** When which fault comes, decided before the first one: nothing that happens meanwhile changes the schedule of a seed. */
export function planSchedule<Fault>(options: ScheduleOptions<Fault>): Step<Fault>[] {
  const { random, durationMs, gapMs, faults } = options;
  const steps: Step<Fault>[] = [];
  let atMs = between(random, ...gapMs);
  while (atMs < durationMs && steps.length < MAX_STEPS) {
    steps.push({ atMs, fault: pick(random, faults) });
    atMs += between(random, ...gapMs);
  }
  return steps;
}

/** Performs the faults, each at its time, or as soon as the one before has been performed. */
export async function playSchedule<Fault>(
  steps: readonly Step<Fault>[],
  perform: (fault: Fault) => void | Promise<void>,
): Promise<void> {
  const startedAtMs = performance.now();
  for (const { atMs, fault } of steps) {
    await sleep(Math.max(0, startedAtMs + atMs - performance.now()));
    await perform(fault);
  }
}

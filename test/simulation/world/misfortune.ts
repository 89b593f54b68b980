import type { Dice } from '../engine/dice.js';
import type { Script } from '../workload/script.js';
import { planDatabaseMisfortune, planEvictions } from './database-misfortune.js';
import { LONGEST_SLOT_PAUSE_MS } from './profile.js';
import type { World } from './world.js';

/** Longer than outcomes are kept: whoever wakes up then can be told nothing any more. */
const LONGEST_PROCESS_PAUSE_MS = 60_000;
const MOST_LOST = 6;
/** Within this after its begin a transaction is under way. */
const WHILE_RUNNING_MS = 400;

/** Plans what happens to slots, processes and entries while the transactions run. */
export function planMisfortune(world: World, dice: Dice, scripts: readonly Script[]): void {
  const { database, scheduler, profile, slots, names, monitor, trace } = world;
  const times = (count: number, what: () => void): void => {
    for (let i = 0; i < count; i += 1) {
      scheduler.after(dice.pick(scripts).startMs + dice.scale(profile.delayMs, WHILE_RUNNING_MS), what);
    }
  };
  times(profile.slotPauses, () => {
    const slot = dice.pick(slots);
    const forMs = dice.scale(20, LONGEST_SLOT_PAUSE_MS);
    trace?.note(scheduler.nowMs, `s${slot.index}`, `pauses for ${forMs.toFixed(0)} ms`);
    slot.pausedUntilMs = Math.max(slot.pausedUntilMs, scheduler.nowMs + forMs);
  });
  times(profile.processPauses, () => {
    const { process } = dice.pick(world.members);
    const forMs = dice.scale(50, LONGEST_PROCESS_PAUSE_MS);
    trace?.note(scheduler.nowMs, process.name, `pauses for ${forMs.toFixed(0)} ms`);
    process.pause(forMs);
  });
  times(profile.crashes, () => {
    world.crash(dice.whole(0, profile.processes - 1));
  });
  if (database !== undefined) planEvictions(world, dice, times);
  times(database === undefined && names.registers.length > 0 ? profile.evictions : 0, () => {
    const key = dice.pick(names.registers);
    trace?.note(scheduler.nowMs, 'memory', `evicts ${key}`);
    for (const slot of slots) {
      if (!key.endsWith(`@${slot.index}`)) continue;
      slot.perform(({ entries }, now) => {
        entries.dropOlderThan(key, Number.POSITIVE_INFINITY, now);
      });
      monitor.observe(slot);
    }
  });
  times(profile.failovers, () => {
    const slot = dice.pick(slots);
    const lost = dice.whole(1, MOST_LOST);
    trace?.note(scheduler.nowMs, `s${slot.index}`, `fails over and loses ${lost} commands`);
    slot.failOver(lost);
    monitor.observe(slot);
  });
  planDatabaseMisfortune(world, dice, times);
}

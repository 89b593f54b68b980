import type { HistoryEvent } from './event.js';
import { counterProblems } from './counters.js';
import { exclusionProblems, fenceProblems } from './fences.js';
import { guardedWriteProblems } from './guarded-writes.js';
import { beliefProblems } from './holds.js';
import { describeProblem, type Problem } from './problem.js';
import { growthProblems, leftoverProblems } from './remains.js';
import { settlingProblems, type SettlingOptions } from './settling.js';
import { versionProblems, visibilityProblems } from './visibility.js';

export interface SoundnessOptions extends SettlingOptions {
  /**
   * Whether the server may end or lose locks on its own (restart, eviction, expiry by hand, failover). Then two may
   * believe to hold one, and it is the fences that keep the older one out. Default false.
   */
  readonly losesLocks?: boolean;
  /** Whether holders are stopped or busy, so that they learn of a loss only when they go on. Default false. */
  readonly pausesHolders?: boolean;
  /** Whether the server may lose entries it has acknowledged; counters and versions then say nothing. Default false. */
  readonly losesEntries?: boolean;
}

/** Every contradiction in a history. */
export function problemsOf(events: readonly HistoryEvent[], options: SoundnessOptions = {}): Problem[] {
  const { losesLocks = false, pausesHolders = losesLocks, losesEntries = false } = options;
  return [
    ...visibilityProblems(events),
    ...fenceProblems(events),
    ...guardedWriteProblems(events),
    ...(losesLocks ? [] : exclusionProblems(events)),
    ...(pausesHolders ? [] : beliefProblems(events)),
    ...(losesEntries ? [] : [...counterProblems(events), ...versionProblems(events)]),
    ...settlingProblems(events, options),
    ...leftoverProblems(events),
    ...growthProblems(events),
  ];
}

/** More would only hide the first. */
const SHOWN = 5;

/**
 * @param seed of the run, told so that the failure can be replayed
 * @throws Error that shows the first problems, each with the events that prove it
 */
export function assertSound(events: readonly HistoryEvent[], seed: number, options: SoundnessOptions = {}): void {
  const problems = problemsOf(events, options);
  if (problems.length === 0) return;
  const shown = problems.slice(0, SHOWN).map(describeProblem).join('\n');
  throw new Error(`${problems.length} problems in ${events.length} events; replay with FAULT_SEED=${seed}\n${shown}`);
}

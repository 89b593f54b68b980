import { describeAnomaly } from '../../support/history/serializability/anomaly.js';
import { checkHistory } from '../../support/history/serializability/check-history.js';
import type { KeyRead } from '../workload/journal.js';
import type { World } from '../world/world.js';
import { attemptProblems } from './attempts.js';
import { everythingTogether, keyHistory, transactionHistory } from './history-of.js';
import { inventedValues } from './invented-values.js';
import { keptDecisions, leftovers } from './leftovers.js';
import { registerProblems } from './registers.js';
import { rowProblems, rowReadProblems } from './rows.js';
import { unsettledCalls } from './unsettled-calls.js';

/** What a simulation showed that it must not, each with a word in front of it that names the promise. */
export interface Verdict {
  readonly problems: readonly string[];
  /** What is not promised where writes get lost, for the eye. */
  readonly losses: readonly string[];
}

/**
 * Judges a simulation that has ended.
 *
 * @param final the last read of everything; undefined where it failed
 * @param strays what only that read took away
 */
export function verdictOn(world: World, final: readonly KeyRead[] | undefined, strays: readonly string[]): Verdict {
  const { journal, monitor } = world;
  const always = [
    ...journal.problems,
    ...unsettledCalls(world),
    ...inventedValues(world),
    ...leftovers(world),
    ...rowProblems(world),
    ...(final === undefined ? ['final: the last read failed although everything had healed'] : []),
  ];
  const unlessLost = [
    ...strays,
    ...monitor.problems,
    ...historyProblems(world, final ?? []),
    ...registerProblems(world),
    ...attemptProblems(world),
    ...keptDecisions(world),
    ...(world.database?.watch.problems.slice(0, 1) ?? []),
    ...rowReadProblems(world),
  ];
  return world.isLossy
    ? { problems: always, losses: unlessLost }
    : { problems: [...always, ...unlessLost], losses: [] };
}

/** Transactions together as their isolation promises, and every key for itself whatever the isolation. */
function historyProblems(world: World, final: readonly KeyRead[]): string[] {
  const { isolation } = world.profile;
  const together = world.isBeyond('reads-fit-together')
    ? everythingTogether(world, final)
    : transactionHistory(world, final);
  const alone = world.names.lists.flatMap((key) => checkHistory(keyHistory(world, key), { realTime: true }));
  return [...checkHistory(together, { realTime: true, isolation }), ...alone].map(describeAnomaly);
}

import type { Model } from '../explore.js';
import { hit } from './entry.js';
import { deliveries, statements, sweeps } from './events.js';
import { mishaps } from './mishaps.js';
import { loads, passing } from './readers.js';
import { type Scenario, type Setting, settingOf } from './scenario.js';
import { initialWorld, simplified, type World } from './world.js';

/**
 * Transactions whose decider is a database, with their owners, recoverers, and readers that fill what they miss: every order of
 * events, with the faults given. Owners and recoverers are `src/commit/protocol/protocol.ts` itself; entries and database are as simple as the
 * scripts and PostgreSQL allow (entry.ts, sql.ts).
 */
export function databaseModel(scenario: Scenario): Model<World> {
  const setting = settingOf(scenario);
  const events = [statements, deliveries, loads, passing, sweeps, mishaps];
  return {
    initial: initialWorld(setting),
    next: (world) =>
      events.flatMap((each) =>
        each(setting, world).map((step) => ({ ...step, state: simplified(setting, step.state) })),
      ),
    wrong: (world, isEnd) =>
      world.trouble ??
      wrongAnswer(setting, world) ??
      (setting.isStrict ? stale(setting, world, 'is hit') : undefined) ??
      (isEnd ? (stale(setting, world, 'is stale for ever') ?? leftBehind(world)) : undefined),
  };
}

/** Every entry that readers would be shown equals the committed row (protocol I2). */
function stale({ rules }: Setting, { entries, sql }: World, words: string): string | undefined {
  for (const [key, row] of sql.rows.entries()) {
    const value = hit(entries[key]!, rules);
    if (value !== undefined && value !== row) return `${value} ${words} in ${key}, and the row is ${row}`;
  }
  return undefined;
}

/** The caller was told what the database says (protocol I5). */
function wrongAnswer({ txns }: Setting, { actors, sql }: World): string | undefined {
  for (const { id } of txns) {
    const answer = actors[id]?.state.answer;
    const isCommitted = sql.sessions[id]!.end === 'committed';
    if (answer === 'committed' && !isCommitted) return `${id} was told committed, and is not`;
    if (answer === 'failed' && isCommitted) return `${id} was told failed, and is committed`;
  }
  return undefined;
}

/** Everything is repaired when everybody has had the time (protocol I10). */
function leftBehind({ entries, listed, sql }: World): string | undefined {
  if (entries.some(({ intent }) => intent !== null)) return 'an intent is left for ever';
  if (Object.values(listed).includes(true)) return 'a transaction is on the list of open ones for ever';
  return Object.values(sql.sessions).some(({ end }) => end === null) ? 'a row is locked for ever' : undefined;
}

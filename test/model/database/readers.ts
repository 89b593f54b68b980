import type { Step } from '../explore.js';
import { canLease, fill, settle } from './entry.js';
import type { Events } from './events.js';
import { voidOf } from './requests.js';
import type { Setting } from './scenario.js';
import { fence, type Sql } from './sql.js';
import { freshToken, type Load, type Passer, sorted, txnOf, withEntry, type World } from './world.js';

/** A transaction that has no intent anywhere. */
const NOBODY = { txn: 'nobody', staged: null };

/** Readers that miss take a token, read the row and fill. */
export const loads: Events = (setting, world) => {
  const { rules, readers } = setting;
  const steps: Step<World>[] = [];
  const change = (name: string, after: World, old: number, load?: Load): void => {
    const rest = world.loads.toSpliced(old, 1);
    steps.push({ name, state: { ...after, loads: load === undefined ? rest : [...rest, load] } });
  };
  const isTokenFirst = rules.fillsNeedTokens && rules.loadsAfterLease;
  const lease = (key: number): { token: number; leased: World } => {
    const token = freshToken(world);
    return { token, leased: withEntry(setting, world, key, { ...world.entries[key]!, token }) };
  };
  const none = world.loads.length;
  world.entries.forEach((entry, key) => {
    if (!canLease(entry, rules) || (!isTokenFirst && none >= readers)) return;
    for (const value of visibleRows(setting, world.sql, key)) {
      if (isTokenFirst) {
        const { token, leased } = lease(key);
        change(`a reader misses ${key}, gets a token, and loads ${value}`, leased, none, { key, token, value });
      } else {
        change(`a reader misses ${key}, and loads ${value}`, world, none, { key, token: null, value });
      }
    }
  });
  world.loads.forEach((load, index) => {
    const { key, token, value } = load;
    const entry = world.entries[key]!;
    if (token !== null || !rules.fillsNeedTokens) {
      const filled = withEntry(setting, world, key, fill(entry, rules, token, value));
      change(`a reader fills ${key} with ${value}`, filled, index);
    } else if (canLease(entry, rules)) {
      const { token: fresh, leased } = lease(key);
      change(`a reader gets a token for ${key}`, leased, index, { ...load, token: fresh });
    } else {
      change(`a reader does not fill ${key}`, world, index);
    }
  });
  return steps;
};

/** Readers past the deadline of an intent ask the database, and void what they met. */
export const passing: Events = (setting, world) => {
  const steps: Step<World>[] = world.passers.map(({ by, txn, key, isCommitted }, index) => {
    const rest = { ...world, passers: world.passers.toSpliced(index, 1) };
    const entry = world.entries[key]!;
    const isValueOnly = by === 'the replay' && !setting.rules.replayVoidsIntents;
    const voided = isValueOnly
      ? settle(entry, setting.rules, NOBODY, 'void', false)
      : voidOf(setting, entry, txnOf(setting, txn), isCommitted, setting.rules.passersRemember);
    return { name: `${by} voids ${txn} in ${key}`, state: withEntry(setting, rest, key, voided) };
  });
  if (world.passers.filter(({ by }) => by === 'a reader').length >= setting.passers) return steps;
  world.entries.forEach(({ intent }, key) => {
    if (intent === null) return;
    const { txn } = intent;
    const asked = setting.rules.passersAsk
      ? fence(world.sql, setting.rules, txn)
      : { sql: world.sql, isCommitted: false };
    if (asked === undefined) return;
    // Who voids does so whatever it has heard.
    const isCommitted = asked.isCommitted && !setting.rules.recoveryOnlyVoids;
    const passer: Passer = { by: 'a reader', txn, key, isCommitted };
    const name = `a reader of ${key} hears that ${txn} is ${asked.isCommitted ? 'committed' : 'aborted'}`;
    steps.push({ name, state: { ...world, sql: asked.sql, passers: sorted([...world.passers, passer]) } });
  });
  return steps;
};

/** What a reader may find in a row: what is committed. */
function visibleRows(setting: Setting, sql: Sql, key: number): readonly string[] {
  const row = sql.rows[key]!;
  if (setting.rules.fillsCommittedOnly) return [row];
  const own = setting.txns.find(({ id, writes }) => {
    const { statements: done, end } = sql.sessions[id]!;
    return end === null && writes.slice(0, done).includes(key);
  });
  return own === undefined ? [row] : [row, own.id];
}

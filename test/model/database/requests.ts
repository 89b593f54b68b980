import type { Result } from '../../../src/commit/protocol/protocol.js';
import { compare, type Entry, prepare, settle } from './entry.js';
import { type Setting, stagedBy, type Txn } from './scenario.js';
import { commit, fence, mark, type Sql } from './sql.js';
import { type Message, txnOf, withEntry, withListed, type World } from './world.js';

export interface Ran {
  readonly world: World;
  /** What its sender would hear; undefined while the request waits in the database. */
  readonly result: Result | undefined;
}

/** What a request does at its slot or in the database, in one step. */
export function run(setting: Setting, world: World, { from, command }: Message): Ran {
  const { rules } = setting;
  const txn = txnOf(setting, from);
  const { id, writes, reads = [] } = txn;
  const inDatabase = ({ sql, isDone }: { sql: Sql; isDone: boolean }, otherwise: Result): Ran => ({
    world: { ...world, sql },
    result: isDone ? 'done' : otherwise,
  });
  switch (command.step) {
    case 'mark':
      return inDatabase(mark(world.sql, id), 'refused');
    case 'open':
      return { world: withListed(setting, world, id, true), result: 'done' };
    case 'close':
      return { world: withListed(setting, world, id, false), result: 'done' };
    case 'prepare': {
      const key = writes[command.part]!;
      const { entry, isDone } = prepare(world.entries[key]!, rules, id, stagedBy(txn));
      return { world: withEntry(setting, world, key, entry), result: isDone ? 'done' : 'refused' };
    }
    case 'validate': {
      const isSame = compare(world.entries[reads[command.read]!]!, world.seen[id]?.[command.read] ?? null);
      return { world, result: isSame ? 'done' : 'refused' };
    }
    case 'decide': {
      // Whose session has ended hears that the connection is gone.
      const decided = inDatabase(commit(world.sql, id, writes), 'lost');
      return { ...decided, world: checkDecision(setting, world, decided.world, txn) };
    }
    case 'ask': {
      const fenced = fence(world.sql, rules, id);
      if (fenced === undefined) return { world, result: undefined };
      return { world: { ...world, sql: fenced.sql }, result: fenced.isCommitted ? 'done' : 'refused' };
    }
    case 'settle': {
      const key = writes[command.part]!;
      const entry = world.entries[key]!;
      const settled =
        command.verdict === 'void'
          ? voidOf(setting, entry, txn, world.sql.sessions[id]!.end === 'committed', true)
          : settle(entry, rules, { txn: id, staged: stagedBy(txn) }, command.verdict, true);
      return { world: withEntry(setting, world, key, settled), result: 'done' };
    }
    case 'retire':
    case 'vote':
    case 'execute':
    case 'withdraw':
      throw new Error(`no transaction of this model does ${command.step}`);
  }
}

/** Whoever is not the owner voids; in a worse protocol it rolls forward or back, where the intent is still there. */
export function voidOf({ rules }: Setting, entry: Entry, txn: Txn, isCommitted: boolean, isRemembered: boolean): Entry {
  const intent = { txn: txn.id, staged: stagedBy(txn) };
  if (rules.recoveryOnlyVoids) return settle(entry, rules, intent, 'void', isRemembered);
  if (entry.intent?.txn !== txn.id) return entry;
  return settle(entry, rules, intent, isCommitted ? 'committed' : 'aborted', isRemembered);
}

/** Of two that are committed at least one has seen what the other did, or was there before it. */
function checkDecision({ txns }: Setting, before: World, after: World, txn: Txn): World {
  if (after.trouble !== null || after.sql.sessions[txn.id]!.end !== 'committed') return after;
  for (const other of txns) {
    if (other === txn || before.sql.sessions[other.id]!.end !== 'committed') continue;
    if (hasMissed(after, txn, other) && hasMissed(after, other, txn)) {
      return {
        ...after,
        trouble: `${txn.id} and ${other.id} have each read what the other has overwritten: write skew`,
      };
    }
  }
  return after;
}

/** Whether a transaction read what the other one, by now committed, has replaced. */
function hasMissed({ seen }: World, { id, reads = [] }: Txn, writer: Txn): boolean {
  return reads.some((key, read) => writer.writes.includes(key) && seen[id]?.[read] !== writer.id);
}

import type { Command, State } from '../../../src/commit/protocol/protocol.js';
import type { Entry } from './entry.js';
import type { Faults, Setting, Txn } from './scenario.js';
import { isOpen, type Sql } from './sql.js';

/** An owner or a recoverer at work. */
export interface Actor {
  readonly state: State;
  readonly isAlive: boolean;
}

/** A request under way, or its answer: nothing is gained by telling them apart. */
export interface Message {
  readonly from: string;
  readonly command: Command;
  /** Nobody waits for it any more. */
  readonly isOrphan: boolean;
}

/**
 * A reader between its load and its fill. It fills whenever it likes, so that it is every late request as well. It reads the row when it gets
 * its token: an older row is the worse one, and no row ever comes back.
 */
export interface Load {
  readonly key: number;
  readonly token: number | null;
  readonly value: string;
}

/** Somebody who is about to void what a transaction may have left in an entry: a reader that met its intent, or the replay. */
export interface Passer {
  readonly by: 'a reader' | 'the replay';
  readonly txn: string;
  readonly key: number;
  readonly isCommitted: boolean;
}

/** One state of everything. Its maps have a fixed order, so that equal states look equal. */
export interface World {
  readonly sql: Sql;
  readonly entries: readonly Entry[];
  /** On the list of open transactions. */
  readonly listed: Readonly<Record<string, boolean>>;
  /** What each slot, and the list, was before its last writes, the last first; kept only where a failover may bring it back. */
  readonly before: { readonly entries: readonly (readonly Entry[])[]; readonly listed: readonly World['listed'][] };
  /** Null before an owner begins to commit, and for a recoverer that is not at work. */
  readonly actors: Readonly<Record<string, Actor | null>>;
  readonly messages: readonly Message[];
  readonly loads: readonly Load[];
  readonly passers: readonly Passer[];
  /** What each transaction saw of the keys that it reads; null before. */
  readonly seen: Readonly<Record<string, readonly string[] | null>>;
  /** A failover was noticed, and the markers are not replayed yet; with the transactions that were open then. */
  readonly replay: readonly string[] | null;
  readonly left: Faults;
  readonly trouble: string | null;
}

const RECOVERER = 'recoverer of ';

export function recovererOf(txn: Txn): string {
  return RECOVERER + txn.id;
}

/** The transaction that an actor works for. */
export function txnOf({ txns }: Setting, actor: string): Txn {
  const id = actor.replace(RECOVERER, '');
  return txns.find((txn) => txn.id === id)!;
}

/** The rows are there, and nothing is cached. */
export function initialWorld({ keys, txns, faults }: Setting): World {
  const each = <T>(value: T): Record<string, T> => Object.fromEntries(txns.map(({ id }) => [id, value]));
  const all = <T>(value: T): T[] => Array.from({ length: keys }, () => value);
  return {
    sql: {
      rows: all('T0'),
      sessions: each({ statements: 0, isMarked: false, isFenced: false, end: null }),
    },
    entries: all({ value: null, intent: null, token: null, over: each(false) }),
    listed: each(false),
    before: { entries: all<readonly Entry[]>([]), listed: [] },
    actors: { ...each(null), ...Object.fromEntries(txns.map((txn) => [recovererOf(txn), null])) },
    messages: [],
    loads: [],
    passers: [],
    seen: each(null),
    replay: null,
    left: faults,
    trouble: null,
  };
}

export function withEntry(setting: Setting, world: World, key: number, entry: Entry): World {
  const old = world.entries[key]!;
  if (entry === old) return world;
  const past = remembered(setting, world, world.before.entries[key]!, old, key);
  const before = { ...world.before, entries: world.before.entries.with(key, past) };
  return { ...world, entries: world.entries.with(key, entry), before };
}

export function withListed(setting: Setting, world: World, txn: string, isListed: boolean): World {
  if (world.listed[txn] === isListed) return world;
  const past = remembered(setting, world, world.before.listed, world.listed, 'list');
  return { ...world, listed: { ...world.listed, [txn]: isListed }, before: { ...world.before, listed: past } };
}

function remembered<T>(
  { failing, tail }: Setting,
  { left }: World,
  past: readonly T[],
  old: T,
  place: number | 'list',
): readonly T[] {
  return left.failovers > 0 && failing.includes(place) ? [old, ...past].slice(0, tail) : past;
}

export function withMessages(world: World, added: readonly Message[]): World {
  return added.length === 0 ? world : { ...world, messages: sorted([...world.messages, ...added]) };
}

export function withFault(world: World, kind: keyof Faults): World {
  return { ...world, left: { ...world.left, [kind]: world.left[kind] - 1 } };
}

/** What an actor was while it worked makes no difference when it is over. */
export function gone(state: State): State {
  return {
    ...state,
    phase: 'over',
    underway: 0,
    parts: [],
    hasAsked: false,
    hasFailed: false,
    isAsked: false,
    isListed: false,
  };
}

/** A number that no token has which may still be used. */
export function freshToken({ entries, before, loads }: World): number {
  const used = new Set([...entries, ...before.entries.flat(), ...loads].map((each) => each.token));
  let token = 1;
  while (used.has(token)) token += 1;
  return token;
}

export function openTransactions({ sql }: World): readonly string[] {
  return Object.keys(sql.sessions).filter((id) => isOpen(sql, id));
}

/**
 * The same world without what can make no difference any more, so that more states are equal. A token that no load has is as good as none, since the
 * next reader would get another; a load whose token is gone will not fill. Who is over in a slot matters only to a prepare that may come.
 */
export function simplified({ rules }: Setting, world: World): World {
  const { loads, entries, before } = world;
  const kept = rules.fillsNeedTokens
    ? loads.filter(
        ({ key, token }) =>
          token === null || [entries[key]!, ...before.entries[key]!].some((each) => each.token === token),
      )
    : loads;
  const tokens = [...new Set(kept.map(({ token }) => token).filter((token) => token !== null))].sort();
  const renamed = (token: number | null): number | null => {
    const at = token === null ? -1 : tokens.indexOf(token);
    return at < 0 ? null : at + 1;
  };
  const mayPrepare = new Set(
    Object.entries(world.actors)
      .filter(([, actor]) => actor === null || ['marking', 'preparing'].includes(actor.state.phase))
      .map(([name]) => name),
  );
  for (const { from, command } of world.messages) if (command.step === 'prepare') mayPrepare.add(from);
  const simple = (entry: Entry): Entry => ({
    ...entry,
    token: renamed(entry.token),
    over: Object.fromEntries(Object.entries(entry.over).map(([txn, isOver]) => [txn, isOver && mayPrepare.has(txn)])),
  });
  return {
    ...world,
    entries: entries.map(simple),
    before: { ...before, entries: before.entries.map((past) => past.map(simple)) },
    loads: sorted(kept.map((load) => ({ ...load, token: renamed(load.token) }))),
  };
}

/** The order of what is under way means nothing. */
export function sorted<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  const keyed = items.map((item) => [JSON.stringify(item), item] as const);
  return keyed.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
}

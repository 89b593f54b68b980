/**
 * What one cache entry does, in a slot of its own, as simple as the scripts allow (prepare, settle, fill-lease, fill). A value is the name of the
 * transaction that wrote it, so that no two writes look alike.
 */

import type { Verdict } from '../../../src/commit/protocol/protocol.js';

export interface Entry {
  /** Null where nothing is cached. */
  readonly value: string | null;
  readonly intent: EntryIntent | null;
  /** The fill token that is out; no two are ever the same. */
  readonly token: number | null;
  /** Transactions that are over here, whose prepare is refused when it comes late. */
  readonly over: Readonly<Record<string, boolean>>;
}

/** Its deadline may pass at any moment, and so is no part of it: whoever meets it may find it late. */
export interface EntryIntent {
  readonly txn: string;
  /** What becomes visible; null where the transaction deletes. */
  readonly staged: string | null;
}

export interface Done {
  readonly entry: Entry;
  readonly isDone: boolean;
}

/** The rules of an entry that a variant of the protocol may break. */
export interface EntryRules {
  readonly preparesVoidTokens: boolean;
  readonly intentsStopLeases: boolean;
  readonly intentsStopHits: boolean;
  readonly fillsNeedTokens: boolean;
  readonly refusesLatePrepares: boolean;
  readonly publishesOwnIntentsOnly: boolean;
  readonly voidsOwnIntentsOnly: boolean;
  readonly deletesLostWrites: boolean;
  readonly voidsDropTokens: boolean;
  readonly recoveryOnlyVoids: boolean;
}

export const SOUND: EntryRules = {
  preparesVoidTokens: true,
  intentsStopLeases: true,
  intentsStopHits: true,
  fillsNeedTokens: true,
  refusesLatePrepares: true,
  publishesOwnIntentsOnly: true,
  voidsOwnIntentsOnly: true,
  deletesLostWrites: true,
  voidsDropTokens: true,
  recoveryOnlyVoids: true,
};

/** What a reader is shown; undefined where it has to go to the database (protocol I2). */
export function hit({ value, intent }: Entry, rules: EntryRules): string | undefined {
  return value === null || (rules.intentsStopHits && intent !== null) ? undefined : value;
}

export function canLease(entry: Entry, rules: EntryRules): boolean {
  return entry.value === null ? entry.intent === null || !rules.intentsStopLeases : false;
}

/** Publishes a loaded value under its token (protocol I3). */
export function fill(entry: Entry, rules: EntryRules, token: number | null, value: string): Entry {
  if (rules.fillsNeedTokens && (token === null || entry.token !== token)) return entry;
  if (rules.intentsStopLeases && entry.intent !== null) return entry;
  return { ...entry, value, token: null };
}

export function prepare(entry: Entry, rules: EntryRules, txn: string, staged: string | null): Done {
  if (rules.refusesLatePrepares && entry.over[txn]) return { entry, isDone: false };
  if (entry.intent !== null) return { entry, isDone: entry.intent.txn === txn };
  const token = rules.preparesVoidTokens ? null : entry.token;
  return { entry: { ...entry, intent: { txn, staged }, token }, isDone: true };
}

/** A key that was only read holds what it held, and nobody is about to change it. */
export function compare(entry: Entry, expected: string | null): boolean {
  return entry.intent === null && entry.value === expected;
}

/** The owner publishes or takes back, anybody else voids. `committed` is what a recovery says that rolls forward. */
export function settle(
  entry: Entry,
  rules: EntryRules,
  { txn, staged }: EntryIntent,
  verdict: Verdict,
  isRemembered: boolean,
): Entry {
  const isOwn = entry.intent?.txn === txn;
  const after = isRemembered ? remember(entry, txn) : entry;
  const intent = isOwn ? null : entry.intent;
  if (verdict === 'aborted') return isOwn ? { ...after, intent } : after;
  if (isOwn ? verdict !== 'void' : verdict === 'published' && !rules.publishesOwnIntentsOnly) {
    return { ...after, value: staged, intent };
  }
  if (verdict === 'committed' || (verdict === 'published' && !rules.deletesLostWrites)) return after;
  // Its write got lost here, or nobody can vouch for it: what is there may be older (protocol I7).
  const token = rules.voidsDropTokens ? null : entry.token;
  return { ...after, value: null, intent: rules.voidsOwnIntentsOnly ? intent : null, token };
}

function remember(entry: Entry, txn: string): Entry {
  return entry.over[txn] === false ? { ...entry, over: { ...entry.over, [txn]: true } } : entry;
}

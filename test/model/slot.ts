/** What one slot with one entry does, as simple as the scripts allow (prepare, decide, decision-ask, settle). */

/** What a slot remembers of a transaction: committed, aborted, or only that it is over here, which nobody is told. */
export type Record_ = 'C' | 'A' | 'S';

export interface Slot {
  /** Of the committed value; grows with every write. */
  readonly version: number;
  readonly intent: SlotIntent | null;
  readonly records: Readonly<Record<string, Record_ | null>>;
  /** Who holds the lock in this slot; null for nobody. */
  readonly lock: string | null;
  /** The lock outlasts every moment at which the transaction can be decided. */
  readonly isLockExtended: boolean;
}

export interface SlotIntent {
  readonly txn: string;
  /** The version that the write replaces, and that its transaction expects. */
  readonly replaces: number;
  readonly staged: number;
  /** Its deadline has passed, on the clock of this slot. */
  readonly isLate: boolean;
}

/** What happened to a transaction in a slot, for the invariants alone. */
export type Fate = 'applied' | 'dropped' | 'overwrote';

export interface Done {
  readonly slot: Slot;
  readonly isDone: boolean;
  readonly fate?: Fate;
}

export const EMPTY: Slot = { version: 1, intent: null, records: {}, lock: null, isLockExtended: false };

/** The rules that a variant of the protocol may break. */
export interface SlotRules {
  readonly refusesLatePrepares: boolean;
  readonly comparesVersions: boolean;
  readonly decidesInTimeOnly: boolean;
  readonly decidesWithIntentsOnly: boolean;
  readonly remembersAborts: boolean;
  readonly settlesOwnIntentsOnly: boolean;
  readonly deletesLostWrites: boolean;
  readonly extendsLocks: boolean;
  readonly renewalsKeepPromises: boolean;
  readonly checksTokens: boolean;
  readonly seesIntentsWhenComparing: boolean;
}

export const SOUND: SlotRules = {
  refusesLatePrepares: true,
  comparesVersions: true,
  decidesInTimeOnly: true,
  decidesWithIntentsOnly: true,
  remembersAborts: true,
  settlesOwnIntentsOnly: true,
  deletesLostWrites: true,
  extendsLocks: true,
  renewalsKeepPromises: true,
  checksTokens: true,
  seesIntentsWhenComparing: true,
};

export function prepare(slot: Slot, rules: SlotRules, txn: string, expected: number | undefined): Done {
  if (rules.refusesLatePrepares && slot.records[txn] !== null) return refused(slot);
  if (slot.intent !== null) return { slot, isDone: slot.intent.txn === txn };
  if (rules.comparesVersions && expected !== undefined && slot.version !== expected) return refused(slot);
  const intent = { txn, replaces: expected ?? slot.version, staged: slot.version + 1, isLate: false };
  return { slot: { ...slot, intent }, isDone: true };
}

export function guard(slot: Slot, rules: SlotRules, txn: string): Done {
  if (rules.checksTokens && slot.lock !== txn) return refused(slot);
  return { slot: { ...slot, isLockExtended: rules.extendsLocks && slot.lock === txn }, isDone: true };
}

export function compare(slot: Slot, rules: SlotRules, expected: number): Done {
  const isInUse = rules.seesIntentsWhenComparing && slot.intent !== null;
  return { slot, isDone: !isInUse && slot.version === expected };
}

export function decide(slot: Slot, rules: SlotRules, txn: string): Done {
  const record = slot.records[txn];
  if (record) return { slot, isDone: record === 'C' };
  const { intent } = slot;
  const isThere = intent?.txn === txn;
  if ((rules.decidesWithIntentsOnly && !isThere) || (rules.decidesInTimeOnly && isThere && intent.isLate)) {
    return { slot: remember(slot, txn, 'A'), isDone: false };
  }
  const { fate, ...applied } = isThere ? apply(slot, intent) : { slot };
  return { slot: remember(applied.slot, txn, 'C'), isDone: true, ...(fate && { fate }) };
}

/** Undefined while the owner may still decide. */
export function ask(slot: Slot, rules: SlotRules, txn: string, isMetLate: boolean): { slot: Slot; verdict?: boolean } {
  const record = slot.records[txn];
  if (record === 'C' || record === 'A') return { slot, verdict: record === 'C' };
  const isLate = slot.intent?.txn === txn ? slot.intent.isLate : isMetLate;
  if (!isLate) return { slot };
  // Also where it was committed once, and everybody has forgotten.
  const records = { ...slot.records, [txn]: 'A' as const };
  return { slot: rules.remembersAborts ? { ...slot, records } : slot, verdict: false };
}

export function settle(slot: Slot, rules: SlotRules, txn: string, isCommitted: boolean, owned?: number): Done {
  const { intent } = slot;
  const isOwn = intent !== null && (intent.txn === txn || !rules.settlesOwnIntentsOnly);
  let done: Omit<Done, 'isDone'> = { slot };
  if (isOwn) done = isCommitted ? apply(slot, intent) : { slot: { ...slot, intent: null }, fate: 'dropped' };
  // What was committed has got lost here: what is older goes.
  else if (rules.deletesLostWrites && isCommitted && intent === null && slot.version < (owned ?? 0)) {
    done = { slot: { ...slot, version: slot.version + 0.5 } };
  }
  const record = isCommitted ? 'S' : 'A';
  const isRemembered = isCommitted || rules.remembersAborts;
  return { ...done, slot: isRemembered ? remember(done.slot, txn, record) : done.slot, isDone: true };
}

function apply(slot: Slot, intent: SlotIntent): Omit<Done, 'isDone'> {
  const fate = slot.version === intent.replaces ? 'applied' : 'overwrote';
  return { slot: { ...slot, version: intent.staged, intent: null }, fate };
}

/** The first record stays. */
function remember(slot: Slot, txn: string, record: Record_): Slot {
  return slot.records[txn] === null ? { ...slot, records: { ...slot.records, [txn]: record } } : slot;
}

function refused(slot: Slot): Done {
  return { slot, isDone: false };
}

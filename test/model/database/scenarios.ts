import type { Scenario, Txn } from './scenario.js';
import {
  committingAtOnce,
  comparingAtOnce,
  evictingAfterCommit,
  evictingBeforeCommit,
  leasingWrites,
  markingLate,
  overlookingRefusals,
  presumingAborts,
} from './worse-drivers.js';

const WRITER: Txn = { id: 'T1', writes: [0] };
const RIVAL: Txn = { id: 'T2', writes: [0] };
const WIDE: Txn = { id: 'T1', writes: [0, 1] };
const CROSSED: readonly Txn[] = [
  { id: 'T1', writes: [0], reads: [1] },
  { id: 'T2', writes: [1], reads: [0] },
];
const ONE = { keys: 1, txns: [WRITER] };
const TWO = { keys: 1, txns: [WRITER, RIVAL] };

/** Explored whole in `npm test`. */
export const SHORT: Readonly<Record<string, Scenario>> = {
  'a writer of two keys; a crash': { keys: 2, txns: [WIDE], faults: { crashes: 1 } },
  'two writers of a key; a crash': { ...TWO, faults: { crashes: 1 } },
  'a writer; an answer lost or late, and a session cut': { ...ONE, faults: { losses: 1, cuts: 1 } },
  'a writer; a crash and an eviction': { ...ONE, faults: { crashes: 1, evictions: 1 } },
  'a writer; a crash and a failover': { ...ONE, faults: { crashes: 1, failovers: 1 } },
  'two that read what the other writes': { keys: 2, txns: CROSSED },
};

/** What takes minutes. */
export const LONG: Readonly<Record<string, Scenario>> = {
  'two writers of a key; two crashes': { ...TWO, faults: { crashes: 2 } },
  'two writers, one of two keys; a crash': { keys: 2, txns: [WIDE, RIVAL], faults: { crashes: 1 } },
  'two writers, one of two keys; two crashes': { keys: 2, txns: [WIDE, RIVAL], faults: { crashes: 2 } },
  'two writers of a key; a crash and an eviction': { ...TWO, faults: { crashes: 1, evictions: 1 } },
  'two writers of a key; two crashes and an eviction': { ...TWO, faults: { crashes: 2, evictions: 1 } },
  'two writers of a key; a crash and a failover': { ...TWO, faults: { crashes: 1, failovers: 1 } },
  'a writer; a failover that loses up to three writes': { ...ONE, faults: { failovers: 1 }, tail: 3 },
  'a writer; a crash, and a failover that loses two writes': { ...ONE, faults: { crashes: 1, failovers: 1 }, tail: 2 },
  'two writers of a key; a failover that loses two writes': { ...TWO, faults: { failovers: 1 }, tail: 2 },
  'two writers of a key; a failover that loses three writes': {
    ...TWO,
    faults: { failovers: 1 },
    failing: [0],
    tail: 3,
  },
  'a writer; a crash and two failovers': { ...ONE, faults: { crashes: 1, failovers: 2 } },
  // Either of two rules is enough (see VARIANTS): without this one a slow owner only loses to whoever asks.
  'the marker row comes after the intents; two writers, a crash and a cut': {
    ...TWO,
    driver: markingLate,
    faults: { crashes: 1, cuts: 1 },
  },
  'two writers of a key; a loss, a copy and a cut': { ...TWO, faults: { losses: 1, copies: 1, cuts: 1 } },
};

/** A worse protocol, and what goes wrong with it; `because` is part of what the explorer says. */
export interface Variant extends Scenario {
  readonly because: string;
}

/** Only what is stale for ever counts: everybody of this kind is stale for a moment. */
const FOR_EVER = { isStrict: false, because: 'is stale for ever' };

/** What others do. */
export const OTHERS: Readonly<Record<string, Variant>> = {
  'evict after commit, plain fill': {
    ...ONE,
    ...FOR_EVER,
    driver: evictingAfterCommit,
    rules: { fillsNeedTokens: false },
  },
  'evict before commit, fill lease': { ...ONE, ...FOR_EVER, driver: evictingBeforeCommit },
  'evict after commit, fill lease; a crash': {
    ...ONE,
    ...FOR_EVER,
    driver: evictingAfterCommit,
    faults: { crashes: 1 },
  },
  'leases on writes that expire into invalidation, late commit; a crash': {
    ...ONE,
    ...FOR_EVER,
    driver: leasingWrites,
    rules: { passersAsk: false },
    faults: { crashes: 1 },
  },
};

/** What the guarantees name as a limit. */
export const LIMITS: Readonly<Record<string, Variant>> = {
  'a server that evicts anything takes the intent of a dead owner, and the list of open transactions': {
    ...ONE,
    faults: { crashes: 1, evictions: 2 },
    evictsList: true,
    because: 'is stale for ever',
  },
};

/** Every rule of the protocol with a database, left out once. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  'a hit ignores an intent': { ...ONE, rules: { intentsStopHits: false }, because: 'is hit' },
  'past the deadline readers presume an abort, and ask nobody': {
    ...ONE,
    rules: { passersAsk: false },
    because: 'is hit',
  },
  'a fill needs no token': { ...ONE, rules: { fillsNeedTokens: false }, because: 'is hit' },
  'prepare leaves fill tokens alone': { ...ONE, rules: { preparesVoidTokens: false }, because: 'is hit' },
  'fill tokens are handed out beside an intent': { ...ONE, rules: { intentsStopLeases: false }, because: 'is hit' },
  'a row is read before the token is taken': { ...ONE, rules: { loadsAfterLease: false }, because: 'is hit' },
  'what an open transaction sees is filled': { ...ONE, rules: { fillsCommittedOnly: false }, because: 'is hit' },
  'COMMIT leaves together with the intents': { ...ONE, driver: committingAtOnce, because: 'is hit' },
  'COMMIT although a slot has refused': { ...TWO, driver: overlookingRefusals, because: 'is hit' },
  'a lost COMMIT is taken for an abort': {
    ...ONE,
    driver: presumingAborts,
    faults: { losses: 1 },
    because: 'was told failed',
  },
  'a fence does not wait for an open marker': { ...ONE, rules: { fencesWait: false }, because: 'is hit' },
  'the marker row comes after the intents, and a fence leaves none': {
    ...ONE,
    driver: markingLate,
    rules: { fencesStay: false },
    because: 'is hit',
  },
  'the owner publishes without its intent': { ...TWO, rules: { publishesOwnIntentsOnly: false }, because: 'is hit' },
  'who voids takes the intent of somebody else along': {
    ...TWO,
    rules: { voidsOwnIntentsOnly: false },
    because: 'is hit',
  },
  'a slot that has settled takes a late prepare': {
    ...TWO,
    faults: { copies: 1 },
    rules: { refusesLatePrepares: false },
    because: 'is hit',
  },
  'who voids in passing leaves no record that refuses a late prepare': {
    ...TWO,
    faults: { copies: 1 },
    rules: { passersRemember: false },
    because: 'is hit',
  },
  'what was only read is compared beside the prepares': {
    keys: 2,
    txns: CROSSED,
    driver: comparingAtOnce,
    because: 'write skew',
  },
  'the owner leaves a key alone that has lost its intent': {
    ...ONE,
    faults: { evictions: 1 },
    rules: { deletesLostWrites: false },
    because: 'is stale for ever',
  },
  'who voids leaves fill tokens alone': {
    ...ONE,
    faults: { evictions: 1 },
    rules: { voidsDropTokens: false },
    because: 'is stale for ever',
  },
  'recovery rolls forward or back; a failover': {
    ...ONE,
    faults: { crashes: 1, failovers: 1 },
    rules: { recoveryOnlyVoids: false },
    because: 'is stale for ever',
  },
  'no markers are replayed after a failover': {
    ...ONE,
    faults: { failovers: 1 },
    tail: 2,
    rules: { replaysMarkers: false },
    because: 'is stale for ever',
  },
  'the replay leaves the intents of what it replays': {
    ...TWO,
    faults: { failovers: 1 },
    failing: [0],
    tail: 3,
    rules: { replayVoidsIntents: false },
    because: 'is stale for ever',
  },
  'the replay does not wait for transactions that are open': {
    ...ONE,
    faults: { crashes: 1, failovers: 2 },
    rules: { replayWaitsForOpen: false },
    because: 'is stale for ever',
  },
};

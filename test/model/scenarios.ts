import { proceed } from '../../src/commit/protocol/protocol.js';
import type { Driver, Scenario, Txn } from './scenario.js';

const WRITER: Txn = { id: 'T1', writes: [0, 1] };
/** Reads and writes the same, and decides in the other slot. */
const RIVAL: Txn = { id: 'T2', writes: [1, 0] };
const BLIND: Txn = { ...WRITER, isBlind: true };
const LOCKED: Txn = { id: 'T1', writes: [0], lock: 1 };
const CROSSED: readonly Txn[] = [
  { id: 'T1', writes: [0], reads: [1] },
  { id: 'T2', writes: [1], reads: [0] },
];

/** Explored whole in `npm test`. */
export const SHORT: Readonly<Record<string, Scenario>> = {
  'a writer; a crash': { slots: 2, txns: [WRITER], faults: { crashes: 1 } },
  'a writer; an answer lost or late': { slots: 2, txns: [WRITER], faults: { losses: 1 } },
  'a writer; a crash and a copy': { slots: 2, txns: [BLIND], faults: { crashes: 1, copies: 1 } },
  'a writer; a crash and an eviction': { slots: 2, txns: [WRITER], faults: { crashes: 1, evictions: 1 } },
  'a writer in three slots': { slots: 3, txns: [{ id: 'T1', writes: [2, 0, 1] }], faults: { losses: 1 } },
  'a lock in another slot; a crash and a loss': { slots: 2, txns: [LOCKED], faults: { crashes: 1, losses: 1 } },
  'two that read what the other writes': { slots: 2, txns: CROSSED },
  'two writers of the same, without readers': { slots: 2, txns: [WRITER, RIVAL], passers: 0 },
};

/** What takes minutes. */
export const LONG: Readonly<Record<string, Scenario>> = {
  'two writers of the same': { slots: 2, txns: [WRITER, RIVAL] },
  'a writer; a crash, a loss and a copy': { slots: 2, txns: [WRITER], faults: { crashes: 1, losses: 1, copies: 1 } },
  'a writer; two crashes, a loss, two readers': {
    slots: 2,
    txns: [WRITER],
    faults: { crashes: 2, losses: 1 },
    passers: 2,
  },
  'a lock in another slot; a crash, two losses and a copy': {
    slots: 2,
    txns: [LOCKED],
    faults: { crashes: 1, losses: 2, copies: 1 },
  },
  'two that read what the other writes; a crash': { slots: 2, txns: CROSSED, faults: { crashes: 1 } },
  'a writer in three slots; a crash and a loss': {
    slots: 3,
    txns: [{ id: 'T1', writes: [2, 0, 1] }],
    faults: { crashes: 1, losses: 1 },
  },
  'two writers of the same; a crash': { slots: 2, txns: [WRITER, RIVAL], faults: { crashes: 1 } },
};

/** A worse protocol, and what goes wrong with it; `because` is part of what the explorer says. */
export interface Variant extends Scenario {
  readonly because: string;
}

const MIXED = { crashes: 1, losses: 1, copies: 1 };

/** Every rule that the protocol has, left out once. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  'past the deadline readers presume an abort, without a record': {
    slots: 2,
    txns: [WRITER],
    readersPresume: true,
    because: 'committed in one slot and aborted in another',
  },
  'an abort leaves no record': {
    slots: 2,
    txns: [WRITER],
    faults: { losses: 1 },
    rules: { remembersAborts: false },
    because: 'committed in one slot and aborted in another',
  },
  'a decision is not refused past the deadline': {
    slots: 2,
    txns: [LOCKED],
    rules: { decidesInTimeOnly: false },
    because: 'under a lock that somebody else has',
  },
  'a decision does not look for its own intents': {
    slots: 2,
    txns: [WRITER],
    faults: { evictions: 1 },
    evictsIntents: true,
    rules: { decidesWithIntentsOnly: false },
    because: 'is decided without its write',
  },
  'a slot that has settled takes a late prepare': {
    slots: 2,
    txns: [BLIND],
    faults: { copies: 1 },
    rules: { refusesLatePrepares: false },
    because: 'a second time',
  },
  'versions are not compared': {
    slots: 2,
    txns: [WRITER, RIVAL],
    rules: { comparesVersions: false },
    because: 'a lost update',
  },
  'who settles does not look whose intent it is': {
    slots: 2,
    txns: [WRITER, { id: 'T2', writes: [1] }],
    faults: { copies: 1 },
    rules: { settlesOwnIntentsOnly: false },
    because: 'a second time',
  },
  'a lost write is not deleted': {
    slots: 2,
    txns: [WRITER],
    faults: { failovers: 1 },
    failing: [1],
    rules: { deletesLostWrites: false },
    because: 'shows what was there before',
  },
  'locks are not extended until the decision': {
    slots: 2,
    txns: [LOCKED],
    rules: { extendsLocks: false },
    because: 'under a lock that somebody else has',
  },
  'a renewal makes a lock end before the decision': {
    slots: 2,
    txns: [LOCKED],
    rules: { renewalsKeepPromises: false },
    because: 'under a lock that somebody else has',
  },
  'tokens are not compared': {
    slots: 2,
    txns: [LOCKED],
    rules: { checksTokens: false },
    because: 'under a lock that somebody else has',
  },
  'a comparison does not see intents': {
    slots: 2,
    txns: CROSSED,
    rules: { seesIntentsWhenComparing: false },
    because: 'write skew',
  },
  'what was only read is compared before all have prepared': {
    slots: 2,
    txns: CROSSED,
    driver: comparingFirst(),
    because: 'write skew',
  },
  'it is decided as soon as one slot has prepared': {
    slots: 2,
    txns: [WRITER],
    faults: MIXED,
    driver: decidingEarly(),
    because: 'committed',
  },
  'the transaction is closed before all slots have settled': {
    slots: 2,
    txns: [WRITER],
    faults: { losses: 1 },
    driver: closingEarly(),
    because: 'committed in one slot and aborted in another',
  },
};

/** Goes from the comparison straight to the decision, and compares while it prepares. */
function comparingFirst(): Partial<Driver> {
  return {
    begin: (shape) => {
      const state = { ...decidingState(shape.writing), phase: 'validating' as const, underway: shape.reads };
      return {
        state,
        commands: Array.from({ length: shape.reads }, (_, read) => ({ step: 'validate' as const, read })),
      };
    },
    proceed: (shape, state, command, result) => {
      if (command.step !== 'validate') return proceed({ ...shape, reads: 0 }, state, command, result);
      if (result !== 'done') return proceed(shape, state, command, result);
      const prepares = Array.from({ length: shape.writing }, (_, part) => ({ step: 'prepare' as const, part }));
      return { state: { ...state, phase: 'preparing', underway: prepares.length }, commands: prepares };
    },
  };
}

function decidingEarly(): Partial<Driver> {
  return {
    proceed: (shape, state, command, result) => {
      const isFirst = command.step === 'prepare' && command.part === 0 && state.phase === 'preparing';
      if (!isFirst || result !== 'done') return proceed(shape, state, command, result);
      const parts = state.parts.with(0, 'prepared');
      return { state: { ...state, phase: 'deciding', underway: 1, parts }, commands: [{ step: 'decide' }] };
    },
  };
}

function closingEarly(): Partial<Driver> {
  return {
    proceed: (shape, state, command, result) =>
      proceed(shape, state, command, command.step === 'settle' && result === 'lost' ? 'done' : result),
  };
}

function decidingState(writing: number) {
  return {
    parts: Array.from({ length: writing }, () => 'idle' as const),
    hasAsked: false,
    hasFailed: false,
    isAsked: false,
    isListed: false,
    isRecovery: false,
    answer: undefined,
  };
}

/**
 * The commit of a transaction in two phases as a pure function: what has been answered so far and one more answer in,
 * what to send next out (protocol section 3). Whoever drives it decides what sending means: the application sends to the
 * store, the simulator to slots with faults, the model explorer tries every order.
 *
 * One of the slots decides, or a database does: then `mark` leaves a row in the user's own database transaction before any slot
 * prepares, and `decide` is the COMMIT of that transaction.
 *
 * The same function clears up after an owner that has gone (`recover`): it asks instead of deciding.
 */

/** One message to one slot, to the database or to one voter. `part`, `read` and `voter` are indexes into the plan. */
export type Command =
  | { readonly step: 'mark' | 'open' | 'decide' | 'ask' | 'retire' | 'close' }
  | { readonly step: 'prepare'; readonly part: number }
  | { readonly step: 'vote' | 'execute' | 'withdraw'; readonly voter: number }
  | { readonly step: 'validate'; readonly read: number }
  | {
      readonly step: 'settle';
      readonly part: number;
      readonly verdict: Verdict;
      /** Nobody knows whether the slot has got its prepare yet. */
      readonly isPrepareUnderway: boolean;
    };

/**
 * What becomes of the intents in a slot. With a database only the live owner `published` what it has prepared, and a key
 * without its intent loses its value (protocol I6, I7); anybody else makes it `void`: the value goes, whatever the outcome.
 */
export type Verdict = 'committed' | 'aborted' | 'published' | 'void';

/**
 * `done`: it did what it says; of `decide` and `ask`, the transaction is committed.
 * `refused`: it ran and changed nothing; of `ask`, the transaction is aborted. `unsent`: it will never run.
 * `lost`: it may have run, or may still run.
 */
export type Result = 'done' | 'refused' | 'unsent' | 'lost';

/** What the caller of the commit is told, as soon as it is true. */
export type Answer = 'committed' | 'failed' | 'in-doubt';

type Phase =
  | 'marking'
  | 'preparing'
  | 'validating'
  | 'deciding'
  | 'asking'
  | 'aborting'
  | 'disowning'
  | 'finishing'
  | 'retiring'
  | 'closing'
  | 'over';

/** What the protocol has to know of a plan. */
export interface Shape {
  readonly decider: 'slot' | 'database';
  /** Slots with writes; the first decides, unless a database does. None: then there is nothing that others could meet. */
  readonly writing: number;
  /** Slots that only keep locks; their indexes follow those with writes. */
  readonly locking: number;
  /** Slots where keys are compared that were only read. */
  readonly reads: number;
  /** Participants beside the store: they vote with the slots, and act on the outcome. */
  readonly voters: number;
}

/** `idle`: no intent is there, and none will come. `unknown`: its prepare may have arrived, or may still arrive. */
type PartState = 'idle' | 'prepared' | 'unknown';

export interface State {
  readonly phase: Phase;
  /** Commands of this phase without an answer. */
  readonly underway: number;
  /** Of the slots with writes. */
  readonly parts: readonly PartState[];
  /** The voters have been asked, so they hear of the outcome. */
  readonly hasAsked: boolean;
  /** Something in this phase was not done. */
  readonly hasFailed: boolean;
  /** The deciding slot was asked, and has a record of its own: the decision, or an abort. */
  readonly isAsked: boolean;
  /** The list of open transactions may have it. */
  readonly isListed: boolean;
  readonly isRecovery: boolean;
  readonly answer: Answer | undefined;
}

export interface Move {
  readonly state: State;
  readonly commands: readonly Command[];
}

/** Both functions that an owner plays; a simulation may play worse ones. */
export interface Protocol {
  readonly begin: typeof begin;
  readonly proceed: typeof proceed;
}

/** The owner begins. An intent is never there without a marker row that is open, committed or rolled back. */
export function begin(shape: Shape): Move {
  const state = initial(shape, false);
  return shape.decider === 'database' ? send(state, 'marking', [{ step: 'mark' }]) : prepare(shape, state);
}

/** Somebody else begins, after the transaction should have been over. */
export function recover(shape: Shape): Move {
  return send(initial(shape, true), 'asking', [{ step: 'ask' }]);
}

/** One answer has come. */
export function proceed(shape: Shape, before: State, command: Command, result: Result): Move {
  const state = note(before, command, result);
  if (state.underway > 0) return { state, commands: [] };
  switch (state.phase) {
    case 'marking':
      return state.hasFailed ? over({ ...state, answer: 'failed' }) : prepare(shape, state);
    case 'preparing':
      if (state.hasFailed) return abort(shape, state);
      return shape.reads > 0 ? validate(shape, state) : decide(state);
    case 'validating':
      // Only now, after all prepares: a comparison before them would let write skew through.
      return state.hasFailed ? abort(shape, state) : decide(state);
    case 'deciding':
      if (result === 'done') return finish(shape, state);
      // A refusal decides nothing: a copy of the request could still commit while the other slots are taken back.
      return result === 'unsent' ? abort(shape, state) : send({ ...state, isAsked: true }, 'asking', [{ step: 'ask' }]);
    case 'asking':
      if (result === 'lost') return over({ ...state, answer: 'in-doubt' });
      if (result === 'done') return finish(shape, state);
      return isVoiding(shape, state) ? finish(shape, state, 'failed') : abort(shape, state);
    case 'aborting':
      return state.hasFailed
        ? disown(shape, { ...state, answer: 'failed' })
        : forget(shape, { ...state, answer: 'failed' });
    case 'finishing':
      // While an intent may be left the decision has to stay.
      return state.hasFailed ? over(state) : retire(shape, state);
    case 'retiring':
      return state.hasFailed ? over(state) : close(state);
    case 'disowning':
    case 'closing':
    case 'over':
      return over(state);
  }
}

function initial(shape: Shape, isRecovery: boolean): State {
  return {
    phase: 'preparing',
    underway: 0,
    parts: Array.from({ length: shape.writing }, () => (isRecovery ? 'unknown' : 'idle')),
    hasAsked: false,
    hasFailed: false,
    isAsked: isRecovery,
    isListed: isRecovery,
    isRecovery,
    answer: undefined,
  };
}

function note(state: State, command: Command, result: Result): State {
  const next = { ...state, underway: state.underway - 1, hasFailed: state.hasFailed || result !== 'done' };
  if (command.step === 'open') return { ...next, isListed: result === 'done' || result === 'lost' };
  if (command.step !== 'prepare' || state.parts[command.part] === undefined) return next;
  const part: PartState = result === 'done' ? 'prepared' : result === 'lost' ? 'unknown' : 'idle';
  return { ...next, parts: state.parts.with(command.part, part) };
}

/** A phase without commands would never be answered, so none is sent. */
function send(state: State, phase: Phase, commands: readonly Command[]): Move {
  return { state: { ...state, phase, underway: commands.length, hasFailed: false }, commands };
}

/** Every slot prepares, and every voter votes, at the same time. */
function prepare(shape: Shape, state: State): Move {
  const { writing, locking } = shape;
  const prepares = Array.from({ length: writing + locking }, (_, part): Command => ({ step: 'prepare', part }));
  const commands = [...(writing > 0 ? [{ step: 'open' } as const] : []), ...prepares, ...toVoters(shape, 'vote')];
  if (commands.length > 0) return send({ ...state, hasAsked: true }, 'preparing', commands);
  return shape.reads > 0 ? validate(shape, state) : decide(state);
}

function validate(shape: Shape, state: State): Move {
  const commands = Array.from({ length: shape.reads }, (_, read): Command => ({ step: 'validate', read }));
  return send(state, 'validating', commands);
}

function decide(state: State): Move {
  return send(state, 'deciding', [{ step: 'decide' }]);
}

function abort(shape: Shape, state: State): Move {
  const settlements = settles(state, 'aborted').filter(({ part }) => state.parts[part] !== 'idle');
  const commands = [...settlements, ...(state.hasAsked ? toVoters(shape, 'withdraw') : [])];
  return commands.length > 0 ? send(state, 'aborting', commands) : close({ ...state, answer: 'failed' });
}

/** A decision has made the writes of its own slot visible; who recovers does not know whether that was so. */
function finish(shape: Shape, state: State, answer: Answer = 'committed'): Move {
  const isVisible = (part: number): boolean => shape.decider === 'slot' && part === 0 && !state.isRecovery;
  const verdict = shape.decider === 'slot' ? 'committed' : state.isRecovery ? 'void' : 'published';
  const settlements = settles(state, verdict).filter(({ part }) => !isVisible(part));
  const commands = [...settlements, ...(state.isRecovery ? [] : toVoters(shape, 'execute'))];
  const answered: State = { ...state, answer };
  return commands.length > 0 ? send(answered, 'finishing', commands) : retire(shape, answered);
}

/** With a database whoever clears up does not depend on the outcome, only on there being one. */
function isVoiding({ decider }: Shape, { isRecovery }: State): boolean {
  return decider === 'database' && isRecovery;
}

function settles(state: State, verdict: Verdict) {
  return state.parts.map((part, index) => ({
    step: 'settle' as const,
    part: index,
    verdict,
    isPrepareUnderway: part === 'unknown',
  }));
}

function toVoters({ voters }: Shape, step: 'vote' | 'execute' | 'withdraw'): readonly Command[] {
  return Array.from({ length: voters }, (_, voter) => ({ step, voter }));
}

/** A slot that has decided may forget it once all slots have settled. */
function retire({ decider, writing }: Shape, state: State): Move {
  return decider === 'slot' && writing > 0 ? send(state, 'retiring', [{ step: 'retire' }]) : close(state);
}

/**
 * Where the deciding slot knows of nothing, whoever meets an intent that was left would wait for its deadline. A database need not be
 * told: its transaction is rolled back.
 */
function disown({ decider, writing }: Shape, state: State): Move {
  const isKnown = decider === 'database' || writing === 0 || state.isAsked;
  return isKnown ? over(state) : send(state, 'disowning', [{ step: 'ask' }]);
}

/** The record of an abort need not outlast its intents by an hour, unless a prepare may still arrive. */
function forget(shape: Shape, state: State): Move {
  const isSure = state.isAsked && !state.isRecovery && !state.parts.includes('unknown');
  return isSure ? retire(shape, state) : close(state);
}

function close(state: State): Move {
  return state.isListed ? send(state, 'closing', [{ step: 'close' }]) : over(state);
}

function over(state: State): Move {
  return { state: { ...state, phase: 'over', underway: 0 }, commands: [] };
}

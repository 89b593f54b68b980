/**
 * The commit of a transaction over several slots as a pure function: what has been answered so far and one more answer in,
 * what to send next out (protocol section 3). Whoever drives it decides what sending means: the application sends to the
 * store, the simulator to slots with faults, the model explorer tries every order.
 *
 * The same function clears up after an owner that has gone (`recover`): it asks instead of deciding.
 */

/** One message to one slot. `part` and `read` are indexes into the plan. */
export type Command =
  | { readonly step: 'open' | 'decide' | 'ask' | 'retire' | 'close' }
  | { readonly step: 'prepare'; readonly part: number }
  | { readonly step: 'validate'; readonly read: number }
  | {
      readonly step: 'settle';
      readonly part: number;
      readonly verdict: Verdict;
      /** Nobody knows whether the slot has got its prepare yet. */
      readonly isPrepareUnderway: boolean;
    };

export type Verdict = 'committed' | 'aborted';

/**
 * `done`: it did what it says; of `decide` and `ask`, the transaction is committed.
 * `refused`: it ran and changed nothing; of `ask`, the transaction is aborted. `unsent`: it will never run.
 * `lost`: it may have run, or may still run.
 */
export type Result = 'done' | 'refused' | 'unsent' | 'lost';

/** What the caller of the commit is told, as soon as it is true. */
export type Answer = 'committed' | 'failed' | 'in-doubt';

type Phase =
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
  /** Slots with writes; the first decides. */
  readonly writing: number;
  /** Slots that only keep locks; their indexes follow those with writes. */
  readonly locking: number;
  /** Slots where keys are compared that were only read. */
  readonly reads: number;
}

/** `idle`: no intent is there, and none will come. `unknown`: its prepare may have arrived, or may still arrive. */
type PartState = 'idle' | 'prepared' | 'unknown';

export interface State {
  readonly phase: Phase;
  /** Commands of this phase without an answer. */
  readonly underway: number;
  /** Of the slots with writes. */
  readonly parts: readonly PartState[];
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

/** The owner begins: every slot prepares at the same time. */
export function begin(shape: Shape): Move {
  const parts = shape.writing + shape.locking;
  const prepares = Array.from({ length: parts }, (_, part): Command => ({ step: 'prepare', part }));
  return send(initial(shape, false), 'preparing', [{ step: 'open' }, ...prepares]);
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
    case 'preparing':
      if (state.hasFailed) return abort(state);
      return shape.reads > 0 ? validate(shape, state) : decide(state);
    case 'validating':
      // Only now, after all prepares: a comparison before them would let write skew through.
      return state.hasFailed ? abort(state) : decide(state);
    case 'deciding':
      if (result === 'done') return finish(state);
      // A refusal decides nothing: a copy of the request could still commit while the other slots are taken back.
      return result === 'unsent' ? abort(state) : send({ ...state, isAsked: true }, 'asking', [{ step: 'ask' }]);
    case 'asking':
      if (result === 'lost') return over({ ...state, answer: 'in-doubt' });
      return result === 'done' ? finish(state) : abort(state);
    case 'aborting':
      return state.hasFailed ? disown({ ...state, answer: 'failed' }) : forget({ ...state, answer: 'failed' });
    case 'finishing':
      // While an intent may be left the decision has to stay.
      return state.hasFailed ? over(state) : send(state, 'retiring', [{ step: 'retire' }]);
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

function send(state: State, phase: Phase, commands: readonly Command[]): Move {
  return { state: { ...state, phase, underway: commands.length, hasFailed: false }, commands };
}

function validate(shape: Shape, state: State): Move {
  const commands = Array.from({ length: shape.reads }, (_, read): Command => ({ step: 'validate', read }));
  return send(state, 'validating', commands);
}

function decide(state: State): Move {
  return send(state, 'deciding', [{ step: 'decide' }]);
}

function abort(state: State): Move {
  const commands = settles(state, 'aborted').filter(({ part }) => state.parts[part] !== 'idle');
  return commands.length > 0 ? send(state, 'aborting', commands) : close({ ...state, answer: 'failed' });
}

/** The decision has made the writes of its own slot visible; who recovers does not know whether that was so. */
function finish(state: State): Move {
  const commands = settles(state, 'committed').filter(({ part }) => part > 0 || state.isRecovery);
  const committed: State = { ...state, answer: 'committed' };
  return commands.length > 0
    ? send(committed, 'finishing', commands)
    : send(committed, 'retiring', [{ step: 'retire' }]);
}

function settles(state: State, verdict: Verdict) {
  return state.parts.map((part, index) => ({
    step: 'settle' as const,
    part: index,
    verdict,
    isPrepareUnderway: part === 'unknown',
  }));
}

/** Where the deciding slot knows of nothing, whoever meets an intent that was left would wait for its deadline. */
function disown(state: State): Move {
  return state.isAsked ? over(state) : send(state, 'disowning', [{ step: 'ask' }]);
}

/** The record of an abort need not outlast its intents by an hour, unless a prepare may still arrive. */
function forget(state: State): Move {
  const isSure = state.isAsked && !state.isRecovery && !state.parts.includes('unknown');
  return isSure ? send(state, 'retiring', [{ step: 'retire' }]) : close(state);
}

function close(state: State): Move {
  return state.isListed ? send(state, 'closing', [{ step: 'close' }]) : over(state);
}

function over(state: State): Move {
  return { state: { ...state, phase: 'over', underway: 0 }, commands: [] };
}

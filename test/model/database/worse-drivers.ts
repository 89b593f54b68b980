import { type Command, type Move, proceed, type Shape, type State } from '../../../src/commit/protocol/protocol.js';
import type { Driver } from './scenario.js';

/** What most hand-written code does: some steps, one after the other, and whatever was not done in one of them before the COMMIT ends it. */
function inTurn(phases: (shape: Shape) => readonly (readonly [State['phase'], readonly Command[]])[]): Partial<Driver> {
  const enter = (shape: Shape, state: State, index: number): Move => {
    const next = phases(shape)[index];
    if (next === undefined) return { state: { ...state, phase: 'over' }, commands: [] };
    const [phase, commands] = next;
    return { state: { ...state, phase, underway: commands.length, hasFailed: false }, commands };
  };
  const initial: State = {
    phase: 'over',
    underway: 0,
    parts: [],
    hasAsked: false,
    hasFailed: false,
    isAsked: false,
    isListed: false,
    isRecovery: false,
    answer: undefined,
  };
  return {
    begin: (shape) => enter(shape, initial, 0),
    proceed: (shape, before, command, result) => {
      if (before.isRecovery) return proceed(shape, before, command, result);
      const { step } = command;
      const state: State = {
        ...before,
        underway: before.underway - 1,
        hasFailed: before.hasFailed || result !== 'done',
        answer: step === 'decide' && result === 'done' ? 'committed' : before.answer,
      };
      if (state.underway > 0) return { state, commands: [] };
      if (state.hasFailed && state.answer === undefined) {
        return { state: { ...state, phase: 'over', answer: 'failed' }, commands: [] };
      }
      const index = phases(shape).findIndex(([phase]) => phase === state.phase);
      return enter(shape, state, index + 1);
    },
  };
}

const evicts = ({ writing }: Shape): Command[] =>
  Array.from({ length: writing }, (_, part) => ({ step: 'settle', part, verdict: 'void', isPrepareUnderway: false }));
const finishes = ({ writing }: Shape): Command[] =>
  Array.from({ length: writing }, (_, part) => ({
    step: 'settle',
    part,
    verdict: 'published',
    isPrepareUnderway: false,
  }));
const prepares = ({ writing }: Shape): Command[] =>
  Array.from({ length: writing }, (_, part) => ({ step: 'prepare', part }));
const COMMIT: Command = { step: 'decide' };

/** Spring's cache after a transaction, hooks of an ORM, most hand-written code. */
export const evictingAfterCommit = inTurn((shape) => [
  ['deciding', [COMMIT]],
  ['finishing', evicts(shape)],
]);

export const evictingBeforeCommit = inTurn((shape) => [
  ['preparing', evicts(shape)],
  ['deciding', [COMMIT]],
]);

/** Leases on what is written, and no marker in the database that anybody could ask for. */
export const leasingWrites = inTurn((shape) => [
  ['preparing', prepares(shape)],
  ['deciding', [COMMIT]],
  ['finishing', finishes(shape)],
]);

/** The marker row comes after the intents. */
export const markingLate = inTurn((shape) => [
  ['preparing', [{ step: 'open' }, ...prepares(shape)]],
  ['marking', [{ step: 'mark' }]],
  ['deciding', [COMMIT]],
  ['finishing', finishes(shape)],
  ['closing', [{ step: 'close' }]],
]);

/** COMMIT leaves together with the intents. */
export const committingAtOnce = inTurn((shape) => [
  ['marking', [{ step: 'mark' }]],
  ['deciding', [{ step: 'open' }, ...prepares(shape), COMMIT]],
  ['finishing', finishes(shape)],
  ['closing', [{ step: 'close' }]],
]);

/** An intent that another transaction has in the way is no reason to stop. */
export const overlookingRefusals: Partial<Driver> = {
  proceed: (shape, state, command, result) =>
    proceed(shape, state, command, command.step === 'prepare' && result === 'refused' ? 'done' : result),
};

/** A COMMIT without an answer is taken for an abort. */
export const presumingAborts: Partial<Driver> = {
  proceed: (shape, state, command, result) =>
    proceed(shape, state, command, command.step === 'decide' && result === 'lost' ? 'unsent' : result),
};

/** Keys that were only read are compared at the same time as the others are prepared. */
export const comparingAtOnce = inTurn((shape) => [
  ['marking', [{ step: 'mark' }]],
  [
    'preparing',
    [
      { step: 'open' },
      ...prepares(shape),
      ...Array.from({ length: shape.reads }, (_, read): Command => ({ step: 'validate', read })),
    ],
  ],
  ['deciding', [COMMIT]],
  ['finishing', finishes(shape)],
  ['closing', [{ step: 'close' }]],
]);

import { begin, type Command, proceed, type Protocol } from '../../../src/commit/protocol/protocol.js';

/** What was only read is compared while the slots prepare, and not after all of them have. */
export const validatesWithPrepares: Protocol = {
  begin(shape) {
    const { state, commands } = begin(shape);
    const validates = Array.from({ length: shape.reads }, (_, read): Command => ({ step: 'validate', read }));
    return { state: { ...state, underway: state.underway + shape.reads }, commands: [...commands, ...validates] };
  },
  proceed: (shape, before, command, result) => proceed({ ...shape, reads: 0 }, before, command, result),
};

/** What was only read in other slots is not compared at all. */
export const neverValidates: Protocol = {
  begin,
  proceed: (shape, before, command, result) => proceed({ ...shape, reads: 0 }, before, command, result),
};

/** A decision of which nobody heard, or that was refused, is taken for an abort without asking. */
export const presumesRefusal: Protocol = {
  begin,
  proceed: (shape, before, command, result) =>
    before.phase === 'deciding' && result !== 'done'
      ? proceed(shape, { ...before, phase: 'asking' }, { step: 'ask' }, 'refused')
      : proceed(shape, before, command, result),
};

/** The decision may be forgotten while a slot has not settled. */
export const retiresEarly: Protocol = {
  begin,
  proceed: (shape, before, command, result) =>
    proceed(shape, before, command, command.step === 'settle' && before.phase === 'finishing' ? 'done' : result),
};

/** The list forgets a commit that failed, whether its intents were taken back or not. */
export const closesEarly: Protocol = {
  begin,
  proceed: (shape, before, command, result) =>
    proceed(shape, before, command, command.step === 'settle' && before.phase === 'aborting' ? 'done' : result),
};

/** A slot that did not answer its prepare is not asked to take it back. */
export const forgetsUnanswered: Protocol = {
  begin,
  proceed: (shape, before, command, result) =>
    proceed(shape, before, command, command.step === 'prepare' && result === 'lost' ? 'refused' : result),
};

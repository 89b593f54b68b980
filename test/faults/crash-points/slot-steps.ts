import { firstAndLast, isOneSlot, type Mishap, type Shape, type Step } from './steps.js';

const LAST_SLOT_LOCKS = 1;

/** The steps of the owner of a transaction that a slot decides, in order. */
export function slotSteps(shape: Shape): readonly Step[] {
  return isOneSlot(shape) ? ONE_SLOT : severalSlots(shape);
}

const ONE_SLOT: readonly Step[] = [
  { name: 'commit', operation: 'commit', nth: 1, decided: 'by it' },
  ...questions('commit'),
];

function severalSlots({ slots, reads, locks }: Shape): readonly Step[] {
  const preparing = slots + (locks ? LAST_SLOT_LOCKS : 0);
  // The decision is refused by a connection that is not there: what was prepared is taken back.
  const undecided: Mishap = { operation: 'decide', moment: 'before', error: 'unavailable' };
  const neverAsked: Mishap = { ...undecided, error: 'timeout' };
  return [
    { name: 'open', operation: 'openTransaction', nth: 1, decided: 'never' },
    ...firstAndLast('prepare', preparing, { decided: 'never' }),
    ...(reads ? [{ name: 'validate', operation: 'commit', nth: 1, decided: 'never' } as const] : []),
    { name: 'decide', operation: 'decide', nth: 1, decided: 'by it' },
    ...questions('decide'),
    // The decision makes the writes of its own slot visible.
    ...firstAndLast('settle', slots - 1, { decided: 'before' }),
    { name: 'retire', operation: 'retireDecision', nth: 1, decided: 'before' },
    { name: 'close', operation: 'closeTransaction', nth: 1, decided: 'before' },
    ...firstAndLast('settle', slots, { decided: 'never', mishap: undecided }),
    { name: 'close what was taken back', operation: 'closeTransaction', nth: 1, decided: 'never', mishap: undecided },
    { name: 'retire an abort', operation: 'retireDecision', nth: 1, decided: 'never', mishap: neverAsked },
  ];
}

/** A decision whose answer was lost is asked for: it had arrived, or it had not. */
function questions(operation: 'commit' | 'decide'): readonly Step[] {
  return (['after', 'before'] as const).map((moment) => ({
    name: `ask for the lost ${operation} that had ${moment === 'after' ? '' : 'not '}arrived`,
    operation: 'resolveCommit',
    nth: 1,
    decided: moment === 'after' ? 'before' : 'never',
    mishap: { operation, moment, error: 'timeout' },
  }));
}

import { firstAndLast, type Mishap, type Shape, type Step } from './steps.js';

/** The COMMIT is lost on its way, so that the database rolls back and what was prepared is taken back. */
const LOST: Mishap = { operation: 'COMMIT', moment: 'before', error: 'unavailable' };
/** Nobody answers the COMMIT, on a connection that is still there. */
const UNANSWERED: Mishap = { ...LOST, error: 'timeout' };

/** The steps of the owner of a transaction that its database decides, in order: any number of slots, one included. */
export function databaseSteps({ slots, reads, locks }: Shape): readonly Step[] {
  const never = { nth: 1, decided: 'never' } as const;
  return [
    { ...never, name: 'mark', operation: 'mark' },
    { ...never, name: 'open', operation: 'openTransaction' },
    ...firstAndLast('prepare', slots + (locks ? 1 : 0), { decided: 'never' }),
    ...(reads ? [{ ...never, name: 'validate', operation: 'commit' } as const] : []),
    { name: 'COMMIT', operation: 'COMMIT', nth: 1, decided: 'by it' },
    {
      ...{ name: 'ask for the lost COMMIT that had arrived', operation: 'ask', nth: 1, decided: 'before' },
      mishap: { ...LOST, moment: 'after' },
    },
    { ...never, name: 'ask for the lost COMMIT that had not arrived', operation: 'ask', mishap: LOST },
    ...firstAndLast('settle', slots, { decided: 'before' }),
    { name: 'close', operation: 'closeTransaction', nth: 1, decided: 'before' },
    { ...never, name: 'ROLLBACK', operation: 'ROLLBACK', mishap: UNANSWERED },
    ...firstAndLast('settle', slots, { decided: 'never', mishap: LOST }),
    { ...never, name: 'close what was taken back', operation: 'closeTransaction', mishap: UNANSWERED },
  ];
}

import { slotOfName } from '../world/names.js';
import type { World } from '../world/world.js';

/** Longer than the longest record is kept. */
const EVERYTHING_EXPIRED_MS = 4 * 3_600_000;
const SOME_DAY = { ms: Number.POSITIVE_INFINITY, us: 0 };
const MOST_OPEN = 1_000;

/**
 * Intents that nobody but a reader would find. There are none, but of transactions that were never listed as open: their owner ended
 * before its message got there.
 */
export function strays({ slots, names, monitor }: World): string[] {
  return [...names.lists, ...names.registers].flatMap((key) => {
    const intent = slots[slotOfName(key)]?.peek(({ entries }) => entries.intentOf(key));
    if (intent === undefined || !monitor.listed.has(intent.txnId)) return [];
    return [`stray: ${key} has the intent of ${intent.txnId}, which is closed`];
  });
}

/** What is still there when everybody has gone: nothing, but for entries and for records that end by themselves. */
export function leftovers({ slots, names }: World): string[] {
  const keys = [...names.lists, ...names.registers];
  return slots.flatMap((slot) =>
    slot.peek(({ entries }, _now, space) => [
      ...keys.flatMap((key) => {
        const intent = entries.intentOf(key);
        return intent === undefined ? [] : [`left: ${key} has the intent of ${intent.txnId}`];
      }),
      ...space.overdue(MOST_OPEN, SOME_DAY).map(({ txnId }) => `left: ${txnId} is open in s${slot.index}`),
    ]),
  );
}

/** Decisions that no time takes away. It asks the slots what they know, so that it has to come last. */
export function keptDecisions({ slots, journal }: World): string[] {
  return slots.flatMap((slot) =>
    slot.peek((memory, now) => {
      const later = { ms: now.ms + EVERYTHING_EXPIRED_MS, us: now.us + EVERYTHING_EXPIRED_MS * 1_000 };
      return journal.attempts
        .filter(({ id }) => memory.resolve(id, later).kind === 'committed')
        .map(({ id }) => `kept: the decision about ${id} stays in s${slot.index} for ever`);
    }),
  );
}

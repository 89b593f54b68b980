/**
 * The two lengths of time of every case, so that no case depends on how fast the machine is: what must last outlives
 * any case, and what must end has ended after one {@link TICK_MS}, whenever exactly it was set.
 */
export const LONG_MS = 60_000;
export const BRIEF_MS = 1;
/** Long enough that everything of {@link BRIEF_MS} is over, server clocks of whole milliseconds included. */
export const TICK_MS = 10;
/** The least that `heldForMs` shows after one tick: timers of some platforms fire a little early. */
export const TICK_SEEN_MS = 5;

/** How long the outcome of a commit, or of one slot's share in it, can be asked for when nothing else is left of it. */
export const OUTCOME_KEPT_MS = 30_000;

/** How long a slot that has settled refuses a copy of its prepare: longer than a decision that everybody has settled is kept. */
export const SETTLED_KEPT_MS = 2 * OUTCOME_KEPT_MS;

/** How long a slot refuses a prepare of which nobody knows whether it has arrived: far longer than it can be on its way. */
export const LATE_PREPARE_REFUSED_MS = 3_600_000;

/** The least time an owner has to decide, also at the end of its transaction's time. */
export const LEAST_LEFT_MS = 1_000;

/**
 * The most, also for a transaction that has minutes left: as long nobody else may touch its keys when it dies. Shorter than a lost
 * answer is asked for, so that nothing can be decided after its caller was told `TXN_IN_DOUBT` and its locks were given back.
 */
export const MOST_LEFT_MS = 10_000;

/**
 * How much longer than the intents of a commit its locks last in other slots. The first of its slots may have prepared this much
 * before the one that decides; a commit whose slots take longer is not decided.
 */
export const PREPARING_AT_MOST_MS = 5_000;

/** How long a transaction waits that could not be cleared up, behind those that can. */
export const NEXT_RECOVERY_MS = 1_000;

/** Decided intents of others that one commit settles in passing in one slot; more than that is a conflict. */
export const MOST_IN_PASSING = 8;

import type { Beyond } from './world/world.js';

/** A simulation that once showed something. */
export interface KeptSeed {
  readonly seed: number;
  /** What it showed, for people. */
  readonly showed: string;
  /** The slots lose writes. */
  readonly losesWrites?: boolean;
  /** What had to be demanded, or allowed to happen, for it to show. */
  readonly beyond?: Beyond;
  /** The beginning of the problem that it still shows; undefined once it is gone for good. */
  readonly still?: string;
}

/**
 * Seeds that are played first, and for ever. A seed stands for the same simulation only as long as the chance in
 * `world/profile.ts` and `workload/script.ts` is drawn in the same order: whoever changes that looks for new ones, with `showed` as
 * the description of what to look for.
 */
export const KEPT_SEEDS: readonly KeptSeed[] = [
  {
    seed: 7195,
    showed:
      'Prepare lets a lock of the commit last longer than anybody can decide, and the decision looks at no lock. A renewal ' +
      'that comes after it shortens it to one lease again. The decision is late, the lease ends, somebody else gets the lock, and ' +
      'the decision commits.',
  },
  {
    seed: 279,
    showed:
      'A commit with writes in one slot meets the intent of another transaction and asks for its decision. Nobody answers, and the ' +
      'caller gets STORE_TIMEOUT instead of an error that says that nothing is visible.',
  },
  {
    seed: 1374,
    beyond: 'copies-of-refused',
    still: 'I10: L0@1 showed t5.L0@1, whose transaction failed',
    showed:
      'A commit in one slot is refused because of an intent, and the caller is told. A copy of the same message arrives when the ' +
      'intent has gone, and is applied: a refusal leaves no record.',
  },
  {
    seed: 328,
    beyond: 'copies-of-refused',
    still: 'stray: ',
    showed: 'A prepare is refused, and a copy of it arrives after the abort: an intent that only a reader takes away.',
  },
  {
    seed: 2094,
    beyond: 'reads-fit-together',
    still: 'real-time: each of these 3 transactions comes before the next',
    showed:
      't2 reads A, prepares B, compares A; its decision is on its way. t3 writes A and has completed. A read of B that begins after ' +
      'that finds the intent of t2 undecided, and answers the value beside it; then t2 commits. So t3 was before the read, the read ' +
      'before t2, and t2 before t3. Outside of a transaction that is allowed; a transaction that read so is refused.',
  },
  {
    seed: 73,
    losesWrites: true,
    still: 'kept: the decision about t4 stays in s1 for ever',
    showed:
      'A failover loses the expiry of a decision whose transaction has been closed in another slot: nobody retires it again.',
  },
];

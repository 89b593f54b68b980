import type { Beyond } from './world/world.js';

/** A simulation that once showed something. */
export interface KeptSeed {
  readonly seed: number;
  /** What it showed, for people. */
  readonly showed: string;
  /** The slots lose writes. */
  readonly losesWrites?: boolean;
  /** Whether a database decides; without it a seed is what it was before simulations had one. */
  readonly database: boolean;
  /** What had to be demanded, or allowed to happen, for it to show. */
  readonly beyond?: Beyond;
  /** The beginning of the problem that it still shows; undefined once it is gone for good. */
  readonly still?: string;
}

/**
 * Seeds that are played first, and for ever. A seed stands for the same simulation only as long as the chance in
 * `world/profile.ts`, `workload/script.ts` and, with a database, `database/database-profile.ts` is drawn in the same order: whoever changes that looks for new ones, with `showed` as
 * the description of what to look for.
 */
export const KEPT_SEEDS: readonly KeptSeed[] = [
  {
    seed: 282153,
    database: true,
    showed:
      'The database takes 3.8 s over a COMMIT, and its connection ends meanwhile. The owner asks what became of it for as long as a decision of a slot could come, tells its ' +
      'caller that it is in doubt, and the caller gives its lock back. The COMMIT comes after that.',
  },
  {
    seed: 7195,
    database: false,
    showed:
      'Prepare lets a lock of the commit last longer than anybody can decide, and the decision looks at no lock. A renewal ' +
      'that comes after it shortens it to one lease again. The decision is late, the lease ends, somebody else gets the lock, and ' +
      'the decision commits.',
  },
  {
    seed: 279,
    database: false,
    showed:
      'A commit with writes in one slot meets the intent of another transaction and asks for its decision. Nobody answers, and the ' +
      'caller gets STORE_TIMEOUT instead of an error that says that nothing is visible.',
  },
  {
    seed: 1374,
    database: false,
    beyond: 'copies-of-refused',
    still: 'I10: L0@1 showed t5.L0@1, whose transaction failed',
    showed:
      'A commit in one slot is refused because of an intent, and the caller is told. A copy of the same message arrives when the ' +
      'intent has gone, and is applied: a refusal leaves no record.',
  },
  {
    seed: 328,
    database: false,
    beyond: 'copies-of-refused',
    still: 'stray: ',
    showed: 'A prepare is refused, and a copy of it arrives after the abort: an intent that only a reader takes away.',
  },
  {
    seed: 2094,
    database: false,
    beyond: 'reads-fit-together',
    still: 'real-time: each of these 3 transactions comes before the next',
    showed:
      't2 reads A, prepares B, compares A; its decision is on its way. t3 writes A and has completed. A read of B that begins after ' +
      'that finds the intent of t2 undecided, and answers the value beside it; then t2 commits. So t3 was before the read, the read ' +
      'before t2, and t2 before t3. Outside of a transaction that is allowed; a transaction that read so is refused.',
  },
  {
    seed: 6948,
    database: true,
    beyond: 'copies-of-leases',
    still: 'for ever: L1@1 showed []',
    showed:
      'A request for a fill token is answered, and the row loaded and filled. A write ends all that, and somebody makes the entry void. ' +
      'A copy of the request hands out the same token once more, and a copy of the fill brings the old row back.',
  },
  {
    seed: 73,
    database: false,
    losesWrites: true,
    still: 'kept: the decision about t4 stays in s1 for ever',
    showed:
      'A failover loses the expiry of a decision whose transaction has been closed in another slot: nobody retires it again.',
  },
];

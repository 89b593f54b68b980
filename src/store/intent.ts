/** In place of a decider's key, which is never empty: the database of the transaction decides, and is asked there. */
export const DATABASE_DECIDES = '';

/** A write that is prepared and not yet visible, as whoever meets it sees it. */
export interface Intent {
  readonly txnId: string;
  /** The entry key in whose slot the decision about the transaction is kept, or {@link DATABASE_DECIDES}. */
  readonly decider: string;
  /** The first key that the transaction has in the slot of the intent: what the slot remembers of the transaction goes by it. */
  readonly anchor: string;
  /** When others may declare the transaction aborted: ms since 1970 by the server that keeps the intent. */
  readonly deadlineMs: number;
  /** When the committed value beside it expires, likewise; 0 is never. Its key has no TTL meanwhile. */
  readonly expiresAtMs: number;
}

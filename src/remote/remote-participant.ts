/** A transaction as a participant on another node sees it. */
export interface RemoteTransaction {
  readonly id: string;
  /** What the transaction says to its participants: the second argument of `enlist`, through JSON. */
  readonly payload: unknown;
}

/**
 * A provider with `@TransactionParticipant(name)`: it votes and acts in transactions of any node that enlist the name.
 *
 * One transaction after the other: between its `prepare` and its `commit` or `abort` there is no other one, and no `join`. Whoever answers from
 * memory awaits `RemoteParticipants.whenCurrent(name)` before each answer: it waits while a vote is open, and while this node is no member.
 */
export interface RemoteParticipant {
  /** Makes sure that `commit` will succeed; throwing votes against the transaction. */
  prepare(txn: RemoteTransaction): void | Promise<void>;
  /** It is committed. When this throws, the node leaves and joins again, so that it has the present state in spite of it. */
  commit(txn: RemoteTransaction): void | Promise<void>;
  /** It is not committed. Only for who was asked to prepare, whatever became of that. */
  abort(txn: RemoteTransaction): void | Promise<void>;
  /**
   * Loads the present state: at the start, and whenever the membership had lapsed. What was committed before it is called is visible to it;
   * what is committed later comes as a transaction. As long as it takes, transactions with this name wait; when it throws it is tried again.
   */
  join?(): void | Promise<void>;
  /** The membership has lapsed: others may go on without this node, which is not to answer from memory until `join`. */
  leave?(): void;
}

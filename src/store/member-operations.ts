/**
 * The part of the store port behind participants on other nodes: who is a member, and the rolls: what each transaction asks of
 * the members of one name.
 *
 * All that belongs to one name lives in one slot. Each operation is one step there, and may be sent twice.
 */

/** How a transaction ended, for those who take part in it. */
export type RollOutcome = 'committed' | 'aborted';

/** Asks every member of `name` to vote on a transaction. */
export interface RollCall {
  readonly name: string;
  readonly txnId: string;
  readonly payload: string;
  /** The key whose slot decides the transaction, or {@link DATABASE_DECIDES}. */
  readonly decider: string;
  /** From the arrival of this request on: how long only the owner may decide. */
  readonly leftMs: number;
}

/** A transaction of which nobody has told the members yet how it ended. */
export interface UndecidedRoll {
  readonly txnId: string;
  readonly decider: string;
  /** When others may declare it aborted: ms since 1970, by the server that keeps the roll. */
  readonly deadlineMs: number;
}

export type RollCallOutcome =
  /** So many members have been asked: all there are at this moment. */
  | { readonly kind: 'called'; readonly members: number }
  /** Nobody was asked: another transaction with the same members is on its way. */
  | { readonly kind: 'busy'; readonly roll: UndecidedRoll }
  /** Nobody was asked, and nobody will be: the transaction has ended already, and this request came late. */
  | { readonly kind: 'over' };

export type RollState =
  | { readonly kind: 'waiting' }
  /** Every member that was asked has voted for it, or is a member no more. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'vetoed'; readonly node: string }
  /** It has ended. */
  | { readonly kind: 'over' };

/** What a node has answered; `asked`: nothing yet. */
export type RollAnswer = 'asked' | 'ready' | 'veto';

/** A node's look at the rolls, which also renews its lease. */
export interface MemberLook {
  readonly name: string;
  readonly node: string;
  /** From the arrival on; then others may go on without the node, which must not act as a member any more. */
  readonly leaseMs: number;
  /** Makes the node a member. Without it a node that is none stays so. */
  readonly isEntering: boolean;
  /** The same node in an earlier membership, which has ended: nobody waits for it any more. */
  readonly former?: string | undefined;
}

/** A roll as one node sees it. */
export interface OpenRoll extends UndecidedRoll {
  /** How long only the owner may decide, still. */
  readonly leftMs: number;
  /** Undefined while nobody has told how it ended. */
  readonly outcome: RollOutcome | undefined;
  /** Undefined when the node was not asked: it was no member then. */
  readonly answer: RollAnswer | undefined;
  /** For a node that has not answered yet. */
  readonly payload: string | undefined;
}

export type MemberOutcome =
  | { readonly kind: 'member'; readonly rolls: readonly OpenRoll[] }
  /** The lease has ended. */
  | { readonly kind: 'lost' };

/** `ready` and `veto` vote; `done`: the node has acted on the outcome, or never has to. The last one removes the roll. */
export interface MemberAnswer {
  readonly name: string;
  readonly txnId: string;
  readonly node: string;
  readonly answer: 'ready' | 'veto' | 'done';
}

export type AnswerOutcome =
  | { readonly kind: 'noted' }
  /** Nobody waits for an answer of this node. */
  | { readonly kind: 'over' }
  /** The transaction has ended already. */
  | { readonly kind: RollOutcome };

/** Tells the members how the transaction ended. */
export interface RollConclusion {
  readonly name: string;
  readonly txnId: string;
  readonly outcome: RollOutcome;
  /** How long a roll call of the same transaction is refused that comes later, a copy for example. */
  readonly rememberMs: number;
}

/** Tells a node that a look at the rolls is worth while, or even what it would see. May be lost, late or repeated. */
export type RollHint = { readonly kind: 'look' } | { readonly kind: RollOutcome; readonly txnId: string };

/** Tells the owner of a transaction that no vote is missing. May be lost, late or repeated; what it says stays true. */
export interface VotesComplete {
  readonly txnId: string;
  readonly name: string;
  readonly isReady: boolean;
}

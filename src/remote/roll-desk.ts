import type { ErrorSink } from '../base/error-sink.js';
import { StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import type { OpenRoll, RollOutcome } from '../store/member-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { payloads } from './payloads.js';
import type { RemoteParticipant, RemoteTransaction } from './remote-participant.js';
import type { RollArbiter } from './roll-arbiter.js';
import type { SerialWork } from './serial-work.js';

/** What a desk is made of. */
export interface RollDeskDependencies {
  readonly store: CacheTxnStore;
  readonly arbiter: RollArbiter;
  readonly report: ErrorSink;
  readonly name: string;
  readonly node: string;
  readonly provider: RemoteParticipant;
  /** What the provider does, one piece after the other, whatever membership it belongs to. */
  readonly work: SerialWork;
  /** Whether the membership lasts, by the clock. */
  readonly isMember: () => boolean;
  /** Nobody knows what state the provider is in: the membership ends. */
  readonly giveUp: () => void;
  readonly changed: () => void;
}

/** A transaction that this node was asked about and has not acted on yet. */
interface Held {
  readonly txn: RemoteTransaction;
  vote: 'ready' | 'veto' | undefined;
}

/** Votes and acts for one provider, during one membership of its node. */
export class RollDesk {
  private readonly held = new Map<string, Held>();
  /** Looks that were underway meanwhile may still show what is over for this node. */
  private readonly ended = new Set<string>();

  constructor(private readonly deps: RollDeskDependencies) {}

  /** No vote is open, so that the provider's state is the present one. */
  get isClear(): boolean {
    return this.held.size === 0;
  }

  /** What the rolls look like now. `isStale`: time has passed since somebody said anything, so the decider is asked. */
  see(rolls: readonly OpenRoll[], isStale: boolean): void {
    const open = new Set(rolls.map(({ txnId }) => txnId));
    for (const txnId of this.held.keys()) {
      // A roll goes when all have acted, and this node has not: the store has lost it.
      if (!open.has(txnId) && !this.ended.has(txnId)) this.deps.giveUp();
    }
    // A look that did not show it any more was sent after this node had acted, and so are all later ones.
    for (const txnId of this.ended) if (!open.has(txnId) && !this.held.has(txnId)) this.ended.delete(txnId);
    for (const roll of rolls) if (roll.answer !== undefined) this.seeOwn(roll, isStale);
  }

  /** Word of an outcome has come, ahead of any look. */
  hear(txnId: string, outcome: RollOutcome): void {
    if (this.held.has(txnId)) this.end(txnId, outcome);
  }

  private seeOwn(roll: OpenRoll, isStale: boolean): void {
    const { txnId, outcome } = roll;
    const held = this.held.get(txnId);
    if (outcome !== undefined) {
      if (this.ended.has(txnId)) this.done(txnId);
      else this.end(txnId, outcome);
    } else if (held === undefined) {
      if (!this.ended.has(txnId)) this.begin(roll);
    } else if (roll.answer === 'asked') {
      // The vote has got lost.
      if (held.vote !== undefined) void this.vote(txnId, held.vote);
    } else if (isStale) {
      void this.ask(roll);
    }
  }

  private begin({ txnId, payload = 'null' }: OpenRoll): void {
    const decoded = payloads.decode(payload);
    const held: Held = { txn: { id: txnId, payload: 'value' in decoded ? decoded.value : undefined }, vote: undefined };
    // From now on nobody is answered from memory, also while other work is before this.
    this.held.set(txnId, held);
    void this.deps.work.add(async () => {
      if (!this.deps.isMember() || this.ended.has(txnId)) return;
      held.vote = await this.prepare(held.txn);
      void this.vote(txnId, held.vote);
    });
  }

  private async prepare(txn: RemoteTransaction): Promise<'ready' | 'veto'> {
    const { name, provider, report } = this.deps;
    try {
      if (txn.payload === undefined) throw new Error('the payload of the transaction cannot be read');
      await provider.prepare(txn);
      return 'ready';
    } catch (error) {
      report(error, { during: `prepare of a transaction by participant ${name}`, details: { txnId: txn.id } });
      return 'veto';
    }
  }

  /** One that gets lost is seen to be missing by the next look. */
  private async vote(txnId: string, answer: 'ready' | 'veto'): Promise<void> {
    const { isMember, giveUp, name, node, store } = this.deps;
    if (!isMember()) return;
    await this.quietly(async () => {
      const { kind } = await store.answerRoll({ name, txnId, node, answer });
      if (kind === 'committed' || kind === 'aborted') this.end(txnId, kind);
      else if (kind === 'over' && this.held.has(txnId) && !this.ended.has(txnId)) giveUp();
    });
  }

  private async ask(roll: OpenRoll): Promise<void> {
    await this.quietly(async () => {
      const outcome = await this.deps.arbiter.settle(this.deps.name, roll);
      if (outcome !== undefined) this.end(roll.txnId, outcome);
    });
  }

  private end(txnId: string, outcome: RollOutcome): void {
    if (this.ended.has(txnId)) return;
    this.ended.add(txnId);
    const { changed, giveUp, isMember, work } = this.deps;
    void work.add(async () => {
      if (!isMember()) return;
      const held = this.held.get(txnId);
      // Committed without this node's vote: its own state cannot be the present one.
      const hasActed = held?.vote === undefined ? outcome === 'aborted' : await this.act(held.txn, outcome);
      this.held.delete(txnId);
      if (hasActed) this.done(txnId);
      else giveUp();
      changed();
    });
  }

  private async act(txn: RemoteTransaction, outcome: RollOutcome): Promise<boolean> {
    const { name, provider, report } = this.deps;
    try {
      await (outcome === 'committed' ? provider.commit(txn) : provider.abort(txn));
      return true;
    } catch (error) {
      const step = outcome === 'committed' ? 'commit' : 'abort';
      report(error, { during: `${step} of a transaction by participant ${name}`, details: { txnId: txn.id } });
      return false;
    }
  }

  private done(txnId: string): void {
    const { isMember, name, node, store } = this.deps;
    if (!isMember()) return;
    void this.quietly(() => store.answerRoll({ name, txnId, node, answer: 'done' }));
  }

  /** A store that is away is known to the log already, and the next look leads here again. */
  private async quietly(step: () => Promise<unknown>): Promise<void> {
    const { name, report } = this.deps;
    try {
      await step();
    } catch (error) {
      if (error instanceof StoreUnavailableError || error instanceof StoreTimeoutError) return;
      report(error, { during: `participant ${name}` });
    }
  }
}

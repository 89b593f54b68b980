import { type Clock, sleep } from '../base/clock.js';
import type { VotesComplete } from '../store/member-operations.js';
import type { CacheTxnStore } from '../store/store.js';

/** Tells the transactions of this process, as soon as it hears of it, that their voting has come to an end. */
export class VoteHints {
  private readonly heard = new Map<string, HintBox>();
  private isListening = false;

  constructor(
    private readonly store: CacheTxnStore,
    private readonly clock: Clock,
  ) {}

  /** Opened before anybody is asked, so that no hint is missed. Undefined where the transaction has one for the name already. */
  open(name: string, txnId: string): HintBox | undefined {
    if (!this.isListening) {
      this.isListening = true;
      this.store.onVotesComplete((votes) => this.heard.get(idOf(votes.name, votes.txnId))?.hear(votes));
    }
    const id = idOf(name, txnId);
    if (this.heard.has(id)) return undefined;
    const box = new HintBox(this.clock, () => this.heard.delete(id));
    this.heard.set(id, box);
    return box;
  }
}

/** Where one transaction waits for its votes. */
export class HintBox {
  private votes: VotesComplete | undefined;
  private readonly waiting = new AbortController();

  constructor(
    private readonly clock: Clock,
    readonly close: () => void,
  ) {}

  hear(votes: VotesComplete): void {
    this.votes = votes;
    this.waiting.abort();
  }

  /** What has been heard, at once, or after `ms` at the latest; undefined for nothing. */
  async wait(ms: number): Promise<VotesComplete | undefined> {
    if (this.votes === undefined) await sleep(this.clock, ms, this.waiting.signal).catch(() => undefined);
    return this.votes;
  }
}

function idOf(name: string, txnId: string): string {
  return `${name} ${txnId}`;
}

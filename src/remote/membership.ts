import { AsyncResource } from 'node:async_hooks';
import { type Clock, sleep, type Timer } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import { StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import { Settlement } from '../base/settlement.js';
import type { OpenRoll, RollHint } from '../store/member-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { Presence } from './presence.js';
import type { RemoteParticipant } from './remote-participant.js';
import type { RollArbiter } from './roll-arbiter.js';
import { RollDesk } from './roll-desk.js';
import type { SerialWork } from './serial-work.js';

/** Between two looks where something is awaited that nobody may tell of. */
const SOON_MS = 100;
/** After the moment from which on a decider may be asked for good. */
const PAST_DEADLINE_MS = 20;

/** What a membership is made of. */
export interface MembershipDependencies {
  readonly store: CacheTxnStore;
  readonly clock: Clock;
  readonly report: ErrorSink;
  readonly arbiter: RollArbiter;
  readonly leaseMs: number;
  readonly name: string;
  readonly provider: RemoteParticipant;
  readonly work: SerialWork;
  /** {@link isCurrent} may answer something else now. */
  readonly changed: () => void;
}

/**
 * One membership of this node among the participants of a name: it enters, waits until the transactions have ended that it is not a part of, loads
 * the present state, and takes part, until its lease has ended by its own clock. Then it is over for good.
 */
export class Membership {
  /** Resolves when it is over. */
  readonly over = new Settlement();
  private readonly presence: Presence;
  private readonly desk: RollDesk;
  /** A timer would otherwise run in the context of some call. */
  private readonly outside = new AsyncResource('Membership');
  private timer: Timer | undefined;
  private isLoaded = false;
  private isEnded = false;
  private looking: Promise<readonly OpenRoll[] | undefined> | undefined;
  private isLookWanted = false;
  /** As of the last look. */
  private rolls: readonly OpenRoll[] = [];
  private hasAnswered = true;

  constructor(
    private readonly deps: MembershipDependencies,
    readonly node: string,
    private readonly former: string | undefined,
  ) {
    const { clock, leaseMs } = deps;
    this.presence = new Presence(clock, leaseMs, () => {
      this.end();
    });
    const isMember = (): boolean => this.presence.isValid();
    const giveUp = (): void => {
      this.presence.lapse();
    };
    this.desk = new RollDesk({ ...deps, node, isMember, giveUp });
  }

  /** The provider has the state that every transaction committed so far has left. Compares the clock itself. */
  get isCurrent(): boolean {
    return this.isLoaded && this.desk.isClear && this.presence.isValid();
  }

  /** It has been a full one, whatever came then. */
  get hasJoined(): boolean {
    return this.isLoaded;
  }

  /** Resolves when it has joined, or is over. */
  async run(): Promise<void> {
    while (!this.isEnded && (await this.look(true)) === undefined) await this.pause(SOON_MS);
    const strange = new Set(this.rolls.filter(isStrange).map(({ txnId }) => txnId));
    while (!this.isEnded && (await this.areUnderway(strange))) await this.pause(SOON_MS);
    await this.deps.work.add(() => this.load());
  }

  hear(hint: RollHint): void {
    if (!this.presence.isValid()) {
      // Before it has entered there is nothing to see; but the server may have let it in, and called it, before it hears so.
      this.isLookWanted = this.looking !== undefined;
      return;
    }
    if (hint.kind === 'look') void this.look();
    else this.desk.hear(hint.txnId, hint.kind);
  }

  /** Leaves it at once, and answers nobody from memory any more. */
  leave(): void {
    this.presence.lapse();
    this.end();
  }

  /** Whether one of these transactions may still be committed; asks where nobody has told. */
  private async areUnderway(ids: ReadonlySet<string>): Promise<boolean> {
    const rolls = ids.size > 0 ? await this.look() : [];
    if (rolls === undefined) return true;
    const open = rolls.filter(({ txnId, outcome }) => ids.has(txnId) && outcome === undefined);
    const { arbiter, name } = this.deps;
    const settled = await Promise.all(open.map((roll) => arbiter.settle(name, roll).catch(() => undefined)));
    return settled.includes(undefined);
  }

  private async load(): Promise<void> {
    const { changed, name, provider, report } = this.deps;
    if (!this.presence.isValid()) return;
    try {
      await provider.join?.();
    } catch (error) {
      report(error, { during: `join of participant ${name}` });
      this.leave();
    }
    if (!this.presence.isValid()) return;
    this.isLoaded = true;
    changed();
    this.desk.see(this.rolls, false);
  }

  /** One look at a time; whoever wants one meanwhile gets the next. Undefined when the store did not answer. */
  private look(isEntering = false, isStale = false): Promise<readonly OpenRoll[] | undefined> {
    if (this.looking !== undefined) {
      this.isLookWanted = true;
      return this.looking;
    }
    this.timer?.cancel();
    this.looking = this.lookOnce(isEntering, isStale).finally(() => {
      this.looking = undefined;
      if (this.isEnded) return;
      const isWanted = this.isLookWanted;
      this.isLookWanted = false;
      if (isEntering && !this.presence.isValid()) return;
      if (isWanted) void this.look();
      else this.schedule();
    });
    return this.looking;
  }

  private async lookOnce(isEntering: boolean, isStale: boolean): Promise<readonly OpenRoll[] | undefined> {
    const { clock, leaseMs, name, report, store } = this.deps;
    const sentAtMs = clock.now();
    try {
      const outcome = await store.lookAsMember({ name, node: this.node, leaseMs, isEntering, former: this.former });
      if (outcome.kind === 'lost') {
        this.presence.lapse();
        return undefined;
      }
      if (this.isEnded) return undefined;
      this.presence.extend(sentAtMs);
      this.hasAnswered = true;
      if (!this.presence.isValid()) return undefined;
      this.rolls = outcome.rolls;
      if (this.isLoaded) this.desk.see(outcome.rolls, isStale);
      return outcome.rolls;
    } catch (error) {
      const isAway = error instanceof StoreUnavailableError || error instanceof StoreTimeoutError;
      if (!isAway) report(error, { during: `participant ${name}` });
      this.hasAnswered = false;
      return undefined;
    }
  }

  private schedule(): void {
    const { clock, leaseMs } = this.deps;
    const waits = this.rolls.flatMap(({ answer, outcome, leftMs }) =>
      answer === undefined || outcome !== undefined ? [] : [leftMs === 0 ? SOON_MS : leftMs + PAST_DEADLINE_MS],
    );
    const delayMs = Math.min(leaseMs / 3, ...waits, ...(this.hasAnswered ? [] : [SOON_MS]));
    this.timer = this.outside.runInAsyncScope(() => clock.after(delayMs, () => void this.look(false, true)));
  }

  private async pause(ms: number): Promise<void> {
    await Promise.race([sleep(this.deps.clock, ms), this.over.promise]);
  }

  private end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.timer?.cancel();
    const { changed, name, provider, report } = this.deps;
    try {
      provider.leave?.();
    } catch (error) {
      report(error, { during: `leave of participant ${name}` });
    }
    changed();
    this.over.resolve();
  }
}

/** A transaction that this node has no part in, and that may still be committed. */
function isStrange({ answer, outcome }: OpenRoll): boolean {
  return answer === undefined && outcome === undefined;
}

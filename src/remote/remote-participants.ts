import { type Duration, toMs } from '../base/duration.js';
import { type Clock, sleep } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import { InvalidOptionsError, TransactionStateError } from '../base/errors.js';
import { onlyOptions, type OptionNames } from '../base/option-checks.js';
import { shownAs } from '../base/shown-as.js';
import type { DatabaseArbiter } from '../commit/deciders/database-arbiter.js';
import { rollKey } from '../commit/participants/roll-key.js';
import type { CacheTxnStore } from '../store/store.js';
import type { TransactionCoordinator } from '../txn/transaction-coordinator.js';
import { checkValueBytes } from '../txn/txn.options.js';
import { Member } from './member.js';
import { payloads } from './payloads.js';
import type { RemoteParticipant } from './remote-participant.js';
import { memberLeaseMs, type RemoteModuleOptions } from './remote.options.js';
import { RollArbiter } from './roll-arbiter.js';
import { RollVote } from './roll-vote.js';
import { checkName } from './transaction-participant.decorator.js';
import { VoteHints } from './vote-hints.js';

/** What the service is made of. */
export interface RemoteParticipantsDependencies {
  readonly store: CacheTxnStore;
  readonly coordinator: TransactionCoordinator;
  readonly database: DatabaseArbiter;
  readonly options: RemoteModuleOptions;
  readonly clock: Clock;
  readonly report: ErrorSink;
}

/** Options of {@link RemoteParticipants.whenCurrent}. */
export interface WhenCurrentOptions {
  /** Default `'5s'`; 0 does not wait; up to 1 hour. */
  readonly wait?: Duration;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

const WHEN_CURRENT_OPTIONS: OptionNames<WhenCurrentOptions> = { wait: true, signal: true };

/** Lets providers on all nodes take part in the transactions of any of them (docs/participants.md). */
export class RemoteParticipants {
  private readonly members = new Map<string, Member>();
  private readonly hints: VoteHints;
  private readonly arbiter: RollArbiter;
  private readonly leaseMs: number;
  private readonly inUse = new Set<() => void>();

  /** @throws InvalidOptionsError `INVALID_OPTIONS` */
  constructor(private readonly deps: RemoteParticipantsDependencies) {
    const { clock, database, options, store } = deps;
    this.leaseMs = memberLeaseMs(options);
    this.hints = new VoteHints(store, clock);
    this.arbiter = new RollArbiter(store, database);
  }

  /** The names under which providers of this node take part. */
  get names(): readonly string[] {
    return [...this.members.keys()];
  }

  /**
   * Lets every provider with `@TransactionParticipant(name)`, on whatever node, vote and act in the transaction of the call. It is a write of the
   * transaction: two of them with the same name are in each other's way. No provider at all is nobody to ask, and no failure.
   *
   * @throws TransactionStateError `TXN_STATE` outside a transaction, in a read-only one, and for a name that it has enlisted already
   * @throws InvalidOptionsError `INVALID_OPTIONS` for a payload that the default codec of the cache does not take
   * @throws LimitExceededError `LIMIT_EXCEEDED` for one over 1 MiB
   */
  enlist(name: string, payload: unknown = null): void {
    checkName(name);
    const txn = this.deps.coordinator.active();
    if (txn === undefined) {
      throw new TransactionStateError(`there is no transaction here that the participants ${name} could take part in`, {
        details: { participant: name },
      });
    }
    const key = rollKey(name);
    if (txn.buffer.hasWrite(key)) {
      throw new TransactionStateError(`the transaction has enlisted the participants ${name} already`, {
        details: { txnId: txn.id, participant: name },
      });
    }
    const text = payloads.encode(payload, `participant ${name}`);
    checkValueBytes(Buffer.byteLength(text), `participant ${name}`);
    txn.write([[key, { kind: 'bump', ttlMs: 0 }]]);
    txn.enlist(new RollVote({ ...this.deps, hints: this.hints, arbiter: this.arbiter }, name, text));
    this.noteUse();
  }

  /**
   * Whether this node's provider may answer from its memory: what it knows is what every transaction committed so far has left. Good for the
   * present turn of the event loop only.
   */
  isCurrent(name: string): boolean {
    return this.memberOf(name).isCurrent;
  }

  /**
   * Waits until {@link isCurrent}; what follows the `await` at once may answer from memory.
   *
   * @throws StoreUnavailableError `STORE_UNAVAILABLE` when it is not within `wait`; ShuttingDownError `SHUTTING_DOWN`; the reason of the signal
   * @throws InvalidOptionsError `INVALID_OPTIONS` for a bad option, and for a name that no provider of this application has
   */
  async whenCurrent(name: string, options: WhenCurrentOptions = {}): Promise<void> {
    onlyOptions(options, WHEN_CURRENT_OPTIONS, 'whenCurrent');
    const { wait = '5s', signal } = options;
    const member = this.memberOf(name);
    await member.whenCurrent(toMs(wait, 'wait', { max: 3_600_000 }), signal);
  }

  /**
   * The providers of this node become members.
   * @internal
   */
  start(providers: ReadonlyMap<string, RemoteParticipant>): void {
    const { clock, report, store } = this.deps;
    const { arbiter, leaseMs } = this;
    for (const [name, provider] of providers) {
      const member = new Member({ store, clock, report, arbiter, leaseMs, name, provider });
      this.members.set(name, member);
      member.start();
    }
    if (providers.size > 0) this.noteUse();
  }

  /**
   * Calls the listener once, as soon as this node has to do with participants on others.
   * @internal
   */
  onFirstUse(listener: () => void): void {
    this.inUse.add(listener);
  }

  /**
   * Leaves; waits for what the providers are doing, up to `graceMs`.
   * @internal
   */
  async stop(graceMs: number): Promise<void> {
    const { clock } = this.deps;
    const inTime = new AbortController();
    const late = sleep(clock, graceMs, inTime.signal).catch(() => undefined);
    await Promise.race([Promise.all([...this.members.values()].map((member) => member.stop())), late]);
    inTime.abort();
  }

  private noteUse(): void {
    for (const listener of this.inUse) listener();
    this.inUse.clear();
  }

  private memberOf(name: string): Member {
    const member = this.members.get(name);
    if (member !== undefined) return member;
    throw new InvalidOptionsError(
      `no provider of this application has @TransactionParticipant('${name}'), or the application has not started yet`,
      { details: { participant: name } },
    );
  }
}

shownAs(RemoteParticipants, ({ names }) => ({ names }));

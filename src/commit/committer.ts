import { type Clock, sleep } from '../base/clock.js';
import { ShuttingDownError, StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import type { Random } from '../base/random.js';
import { NO_VERSION } from '../store/entry-changes.js';
import type { EntryCopies } from '../store/entry-copies.js';
import type { CacheTxnStore } from '../store/store.js';
import { DatabaseArbiter } from './deciders/database-arbiter.js';
import { DatabaseDecider } from './deciders/database-decider.js';
import { CommitTime, type Decider } from './deciders/decider.js';
import { Findings } from './protocol/findings.js';
import { IntentResolver } from './recovery/intent-resolver.js';
import { OneSlotCommit } from './one-slot-commit.js';
import { OutcomeQuestion } from './deciders/outcome-question.js';
import { begin, proceed, type Protocol } from './protocol/protocol.js';
import {
  deciderOf,
  hasWrites,
  isOneSlot,
  openTransactionOf,
  type Plan,
  planForDatabase,
  planOf,
  sharesOf,
  type SlotShare,
} from './protocol/plan.js';
import type { CommittedVersions, Proposal } from './protocol/proposal.js';
import { refusalError } from './protocol/refusal.js';
import { NEXT_RECOVERY_MS } from './protocol/times.js';
import { SlotDecider } from './deciders/slot-decider.js';
import { TwoPhaseCommit } from './two-phase-commit.js';
import { Voters } from './participants/voters.js';

/** Tries, a second apart, to list what could not be settled: longer than a failover takes. */
const MOST_TRIES = 60;

/** What commits need beside the store. */
export interface CommitterOptions {
  /** Asks the database about intents that it decides. */
  readonly arbiter?: DatabaseArbiter;
  /** Takes what participants throw when the outcome stands already. */
  readonly report?: ErrorSink;
  /** Called before each commit on which somebody votes: it may leave something behind, in one slot too. */
  readonly onVoters?: () => void;
  /** Copies of entries in this process: they follow its own commits at once. */
  readonly copies?: EntryCopies | undefined;
  /** For simulations of worse ones. */
  readonly protocol?: Protocol;
}

/** Commits transactions the shortest way that their keys and locks allow: in one slot, in two phases, or only comparing. */
export class Committer {
  private readonly oneSlot: OneSlotCommit;
  private readonly question: OutcomeQuestion;
  private readonly resolver: IntentResolver;
  private readonly report: ErrorSink;
  private readonly onVoters: () => void;
  private readonly closing = new AbortController();
  private readonly protocol: Protocol;
  private readonly copies: EntryCopies | undefined;
  /** Commits in two phases whose callers may have their answer, and whose slots have not all settled. */
  private readonly underway = new Set<Promise<void>>();

  constructor(
    private readonly store: CacheTxnStore,
    private readonly clock: Clock,
    private readonly random: Random,
    {
      arbiter = new DatabaseArbiter(undefined),
      report = () => undefined,
      onVoters = () => undefined,
      copies,
      protocol = { begin, proceed },
    }: CommitterOptions = {},
  ) {
    this.question = new OutcomeQuestion(store, clock, random);
    this.resolver = new IntentResolver(store, arbiter);
    this.oneSlot = new OneSlotCommit(store, clock, this.question, this.resolver, random);
    this.report = report;
    this.onVoters = onVoters;
    this.protocol = protocol;
    this.copies = copies;
  }

  /** Nothing that it has begun is left to finish. */
  get isIdle(): boolean {
    return this.underway.size === 0;
  }

  /**
   * @throws VersionConflictError, PreconditionFailedError, LockLostError, TransactionAbortedError, StoreUnavailableError, and
   * what a participant threw: nothing is visible, now or later
   * @throws TransactionInDoubtError `TXN_IN_DOUBT` when the store, or the database, answered nobody in time; StoreTimeoutError
   * `STORE_TIMEOUT` when it only read
   */
  async commit(proposal: Proposal): Promise<CommittedVersions> {
    const { copies } = this;
    if (copies === undefined || proposal.operations.length === 0) return this.apply(proposal);
    const { operations } = proposal;
    const reading = copies.beginReading(operations.map(({ key }) => key));
    try {
      const versions = await this.apply(proposal);
      for (const operation of operations) {
        const { key } = operation;
        if (operation.kind === 'check') continue;
        const version = versions.get(key) ?? 0;
        copies.changed({ key, version: version === 0 ? NO_VERSION : version });
        if (operation.kind !== 'put' || version === 0) continue;
        copies.keep(reading, key, { value: operation.value, version }, operation.ttlMs || Number.POSITIVE_INFINITY);
      }
      return versions;
    } catch (error) {
      // What it has read may be over, and what it would have written may be there.
      copies.drop(reading.keys);
      throw error;
    } finally {
      copies.endReading(reading);
    }
  }

  private async apply(proposal: Proposal): Promise<CommittedVersions> {
    const { operations, txnId, voters = [], decider } = proposal;
    const { store } = this;
    if (voters.length > 0) this.onVoters();
    if (decider !== undefined) return this.inTwoPhases(planForDatabase(txnId, sharesOf(store, proposal)), proposal);
    if (voters.length > 0) return this.inTwoPhases(planOf(txnId, sharesOf(store, proposal)), proposal);
    if (operations.length === 0) return new Map();
    if (isOneSlot(store, proposal)) return this.oneSlot.commit(proposal);
    const shares = sharesOf(store, proposal);
    return hasWrites(operations) ? this.inTwoPhases(planOf(txnId, shares), proposal) : this.compare(shares, proposal);
  }

  private inTwoPhases(plan: Plan, proposal: Proposal): Promise<CommittedVersions> {
    const { clock, protocol, question, random, report, resolver, store } = this;
    const { txnId, operations, guards, isUrgent = false, voters = [] } = proposal;
    const isUnderLocks = guards.length > 0 || isUrgent;
    const time = new CommitTime(clock, proposal);
    const findings = new Findings();
    const keys = operations.filter(({ kind }) => kind !== 'check').map(({ key }) => key);
    const isAskedFor = keys.length > 0 || voters.length > 0;
    const txn = { id: txnId, keys, decider: deciderOf(plan), leftMs: time.leftMs, isAskedFor };
    const decider: Decider =
      proposal.decider === undefined
        ? new SlotDecider({ store, question, resolver }, plan, isUrgent, time, findings)
        : new DatabaseDecider({ clock, random, report }, proposal.decider, txn, time, findings, isUnderLocks);
    const parts = { store, resolver, plan, proposal, decider, time, findings, protocol };
    const commit = new TwoPhaseCommit({ ...parts, voters: new Voters(voters, txn, clock, report) });
    return new Promise((resolve, reject) => {
      const run = commit.run((answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
      void run
        .then(() => (commit.hasLeft && plan.decider === 'database' ? this.listAgain(plan) : undefined))
        .catch(() => undefined);
      const ended = run.catch(reject).finally(() => this.underway.delete(ended));
      this.underway.add(ended);
    });
  }

  /** Ends what goes on behind the back of callers. */
  close(): void {
    this.closing.abort(new ShuttingDownError('the application is closing'));
  }

  /**
   * What an owner that lives could not settle, because a server was away, is listed again as soon as the store takes it: a failover may
   * have lost the list. Only what a database decides, which may be made void at any time: a slot forgets its decision.
   */
  private async listAgain(plan: Plan): Promise<void> {
    const { clock, closing, store } = this;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      await sleep(clock, NEXT_RECOVERY_MS, closing.signal);
      try {
        await store.openTransaction(openTransactionOf(plan), 0);
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError || error instanceof StoreTimeoutError)) throw error;
      }
    }
  }

  /** What was read was there all at the same moment: after the last read and before the first of these comparisons. */
  private async compare(shares: readonly SlotShare[], proposal: Proposal): Promise<CommittedVersions> {
    const { txnId } = proposal;
    const compared = await Promise.all(
      shares.map(async ({ checks, guards }): Promise<CommittedVersions> => {
        if (checks.length > 0) return this.oneSlot.commit({ ...proposal, operations: checks, guards });
        const request = { txnId, decider: '', operations: [], guards, leftMs: 0, guardMs: 0 };
        const outcome = await this.store.prepare(request);
        if (outcome.kind === 'prepared') return new Map();
        throw refusalError([outcome], proposal);
      }),
    );
    return new Map(compared.flatMap((versions) => [...versions]));
  }
}

import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { CacheTxnStore } from '../store/store.js';
import { IntentResolver } from './intent-resolver.js';
import { OneSlotCommit } from './one-slot-commit.js';
import { OutcomeQuestion } from './outcome-question.js';
import { hasWrites, isOneSlot, planOf, sharesOf, type SlotShare } from './plan.js';
import type { CommittedVersions, Proposal } from './proposal.js';
import { refusalError } from './refusal.js';
import { TwoPhaseCommit, type TwoPhaseDependencies } from './two-phase-commit.js';

/** Commits transactions the shortest way that their keys and locks allow: in one slot, in several, or only comparing. */
export class Committer {
  private readonly oneSlot: OneSlotCommit;
  private readonly deps: TwoPhaseDependencies;
  /** Commits over several slots whose callers may have their answer, and whose slots have not all settled. */
  private readonly underway = new Set<Promise<void>>();

  constructor(store: CacheTxnStore, clock: Clock, random: Random) {
    const question = new OutcomeQuestion(store, clock, random);
    const resolver = new IntentResolver(store);
    this.oneSlot = new OneSlotCommit(store, clock, question, resolver, random);
    this.deps = { store, clock, question, resolver };
  }

  /** Nothing that it has begun is left to finish. */
  get isIdle(): boolean {
    return this.underway.size === 0;
  }

  /**
   * @throws VersionConflictError, PreconditionFailedError, LockLostError, TransactionAbortedError, StoreUnavailableError:
   * nothing is visible, now or later
   * @throws TransactionInDoubtError `TXN_IN_DOUBT` when the store answered nobody in time; StoreTimeoutError `STORE_TIMEOUT`
   * when it only read
   */
  async commit(proposal: Proposal): Promise<CommittedVersions> {
    const { operations, txnId } = proposal;
    const { store } = this.deps;
    if (operations.length === 0) return new Map();
    if (isOneSlot(store, proposal)) return this.oneSlot.commit(proposal);
    const shares = sharesOf(store, proposal);
    if (!hasWrites(operations)) return this.compare(shares, proposal);
    return new Promise((resolve, reject) => {
      const run = new TwoPhaseCommit(this.deps, planOf(txnId, shares), proposal).run((answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
      const ended = run.catch(reject).finally(() => this.underway.delete(ended));
      this.underway.add(ended);
    });
  }

  /** What was read was there all at the same moment: after the last read and before the first of these comparisons. */
  private async compare(shares: readonly SlotShare[], proposal: Proposal): Promise<CommittedVersions> {
    const { txnId } = proposal;
    const compared = await Promise.all(
      shares.map(async ({ checks, guards }): Promise<CommittedVersions> => {
        if (checks.length > 0) return this.oneSlot.commit({ ...proposal, operations: checks, guards });
        const request = { txnId, decider: '', operations: [], guards, leftMs: 0, guardMs: 0 };
        const outcome = await this.deps.store.prepare(request);
        if (outcome.kind === 'prepared') return new Map();
        throw refusalError([outcome], proposal);
      }),
    );
    return new Map(compared.flatMap((versions) => [...versions]));
  }
}

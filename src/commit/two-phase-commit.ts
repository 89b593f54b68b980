import { present } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { LockLostError, StoreTimeoutError, StoreUnavailableError, TransactionInDoubtError } from '../base/errors.js';
import type { CacheTxnStore } from '../store/store.js';
import type { IntentResolver } from './intent-resolver.js';
import type { OutcomeQuestion } from './outcome-question.js';
import { openTransactionOf, type Part, type Plan, shapeOf } from './plan.js';
import type { CommittedVersions, Proposal } from './proposal.js';
import { begin, type Command, type Move, proceed, type Result, type State, type Verdict } from './protocol.js';
import { type Refusal, refusalError } from './refusal.js';
import {
  LATE_PREPARE_REFUSED_MS,
  LEAST_LEFT_MS,
  MOST_LEFT_MS,
  MOST_IN_PASSING,
  OUTCOME_KEPT_MS,
  PREPARING_AT_MOST_MS,
  SETTLED_KEPT_MS,
} from './times.js';

/** What a commit over several slots needs from outside. */
export interface TwoPhaseDependencies {
  readonly store: CacheTxnStore;
  readonly clock: Clock;
  readonly question: OutcomeQuestion;
  readonly resolver: IntentResolver;
}

/**
 * One commit over several slots: plays what the {@link proceed protocol} says against the store. Two round trips to the
 * answer, three when it compares keys that were only read in other slots than the deciding one.
 */
export class TwoPhaseCommit {
  private readonly versions = new Map<string, number>();
  /** What each write counts as, deletions too. */
  private readonly staged = new Map<string, number>();
  private readonly refusals: Refusal[] = [];
  private failure: Error | undefined;
  private readonly startedAtMs: number;
  private decidesAtMs = 0;
  private readonly decider: string;

  constructor(
    private readonly deps: TwoPhaseDependencies,
    private readonly plan: Plan,
    private readonly proposal: Proposal,
  ) {
    this.startedAtMs = deps.clock.now();
    this.decider = present(plan.parts[0]?.operations[0], 'a write of the slot that decides').key;
  }

  /**
   * Resolves when nothing is underway any more; `answer` is called once, as soon as the outcome stands.
   * @param answer gets the versions, or why nothing is visible, or that nobody can tell
   */
  run(answer: (versions: CommittedVersions | Error) => void): Promise<void> {
    const shape = shapeOf(this.plan);
    let state: State | undefined;
    const play = async (move: Move): Promise<void> => {
      if (move.state.answer !== undefined && state?.answer === undefined) {
        answer(move.state.answer === 'committed' ? this.versions : this.error());
      }
      state = move.state;
      await Promise.all(
        move.commands.map(async (command) => {
          const result = await this.send(command);
          await play(proceed(shape, present(state, 'the state of a commit'), command, result));
        }),
      );
    };
    return play(begin(shape));
  }

  private async send(command: Command): Promise<Result> {
    try {
      return await this.execute(command);
    } catch (error) {
      this.failure ??= asError(error);
      // Whatever is not known to have stayed undone may have been done.
      if (!(error instanceof StoreUnavailableError || error instanceof LockLostError)) return 'lost';
      return command.step === 'decide' && this.refusals.length > 0 ? 'refused' : 'unsent';
    }
  }

  private async execute(command: Command): Promise<Result> {
    const { plan, decider } = this;
    const { store } = this.deps;
    switch (command.step) {
      case 'open':
        await store.openTransaction(openTransactionOf(plan), this.leftMs);
        return 'done';
      case 'prepare':
        return this.prepare(this.part(command.part));
      case 'validate':
        return this.validate(command.read);
      case 'decide':
        return this.decide();
      case 'ask':
        return this.ask();
      case 'settle':
        await this.settle(this.part(command.part), command.verdict, command.isPrepareUnderway);
        return 'done';
      case 'retire':
        await store.retireDecision({ txnId: plan.txnId, decider }, OUTCOME_KEPT_MS);
        return 'done';
      case 'close':
        await store.closeTransaction(openTransactionOf(plan));
        return 'done';
    }
  }

  private async prepare({ operations, guards }: Part): Promise<Result> {
    const { plan, decider, leftMs } = this;
    const guardMs = leftMs + PREPARING_AT_MOST_MS;
    const request = { txnId: plan.txnId, decider, operations, guards, leftMs, guardMs };
    const outcome = await this.pastIntents(() => this.deps.store.prepare(request));
    if (outcome.kind !== 'prepared') return this.refuse(outcome);
    operations.forEach(({ key, kind }, i) => {
      this.staged.set(key, outcome.versions[i] ?? 0);
      this.versions.set(key, kind === 'delete' ? 0 : (outcome.versions[i] ?? 0));
    });
    return 'done';
  }

  private async validate(read: number): Promise<Result> {
    const operations = present(this.plan.reads[read], 'the keys to compare');
    const request = { txnId: this.plan.txnId, operations, guards: [], outcomeTtlMs: 0 };
    const outcome = await this.pastIntents(() => this.deps.store.commit(request));
    return outcome.kind === 'committed' ? this.accept(operations, outcome.versions) : this.refuse(outcome);
  }

  private async decide(): Promise<Result> {
    const { txnId, checks } = this.plan;
    const { operations } = this.part(0);
    const outcome = await this.pastIntents(() => {
      this.assertMayDecide();
      return this.deps.store.decide({ txnId, operations, checks });
    });
    return outcome.kind === 'committed'
      ? this.accept(checks, outcome.versions.slice(operations.length))
      : this.refuse(outcome);
  }

  /** A round trip has gone by since the locks were looked at; those of other stores are known here alone. */
  private assertMayDecide(): void {
    this.decidesAtMs = this.deps.clock.now();
    const tookMs = this.decidesAtMs - this.startedAtMs;
    if (tookMs > PREPARING_AT_MOST_MS) {
      throw new StoreUnavailableError(
        `the slots took ${Math.round(tookMs)} ms to prepare the commit, the limit is ${PREPARING_AT_MOST_MS}; nothing is visible`,
        { details: { txnId: this.plan.txnId } },
      );
    }
    this.proposal.assertLocksHeld?.();
  }

  private async ask(): Promise<Result> {
    const { operations: writes } = this.part(0);
    const operations = [...writes, ...this.plan.checks];
    const request = { txnId: this.plan.txnId, operations, guards: [], outcomeTtlMs: OUTCOME_KEPT_MS };
    try {
      // Until nothing can be decided any more, by anybody.
      const untilMs = Math.max(this.proposal.deadlineMs, this.decidesAtMs + this.leftMs);
      const outcome = await this.deps.question.ask(request, this.decidesAtMs, untilMs);
      return outcome.kind === 'committed'
        ? this.accept(this.plan.checks, outcome.versions.slice(writes.length))
        : 'refused';
    } catch (error) {
      this.failure = asError(error);
      return 'lost';
    }
  }

  private async settle({ operations }: Part, verdict: Verdict, isPrepareUnderway: boolean): Promise<void> {
    const keys = operations.map(({ key }) => key);
    const versions = keys.map((key) => this.staged.get(key) ?? 0);
    const rememberMs = isPrepareUnderway ? LATE_PREPARE_REFUSED_MS : SETTLED_KEPT_MS;
    const anchor = present(keys[0], 'a write of the slot');
    await this.deps.store.settle({ txnId: this.plan.txnId, verdict, keys, anchor, versions, rememberMs });
  }

  /** Sends again while a decided intent of somebody else was in the way, which is settled first (protocol section 4). */
  private async pastIntents<T extends { readonly kind: string }>(
    send: () => Promise<T | Extract<Refusal, { kind: 'intent' }>>,
  ): Promise<T | Extract<Refusal, { kind: 'intent' }>> {
    let outcome = await send();
    for (let passed = 0; isIntent(outcome) && passed < MOST_IN_PASSING; passed += 1) {
      const { kind } = await this.deps.resolver.resolve(outcome.key, outcome.intent);
      if (kind === 'pending') break;
      outcome = await send();
    }
    return outcome;
  }

  private accept(operations: readonly { readonly key: string }[], versions: readonly number[]): Result {
    operations.forEach(({ key }, i) => this.versions.set(key, versions[i] ?? 0));
    return 'done';
  }

  private refuse(refusal: Refusal): Result {
    this.refusals.push(refusal);
    return 'refused';
  }

  private error(): Error {
    const { failure, refusals, proposal } = this;
    if (failure instanceof TransactionInDoubtError) return failure;
    if (refusals.length > 0) return refusalError(refusals, proposal);
    if (failure !== undefined && !(failure instanceof StoreTimeoutError)) return failure;
    return new StoreUnavailableError('the commit did not reach every slot in time; nothing of it is visible', {
      cause: failure,
      details: { txnId: proposal.txnId },
    });
  }

  private part(index: number): Part {
    return present(this.plan.parts[index], 'a slot of the commit');
  }

  private get leftMs(): number {
    return Math.min(Math.max(this.proposal.deadlineMs - this.startedAtMs, LEAST_LEFT_MS), MOST_LEFT_MS);
  }
}

function isIntent(outcome: { readonly kind: string }): outcome is Extract<Refusal, { kind: 'intent' }> {
  return outcome.kind === 'intent';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a store threw what is no error', { cause: error });
}

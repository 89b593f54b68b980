import { present } from '../base/assert.js';
import { LockLostError, StoreUnavailableError } from '../base/errors.js';
import type { CacheTxnStore } from '../store/store.js';
import type { CommitTime, Decider } from './deciders/decider.js';
import type { Findings } from './protocol/findings.js';
import type { IntentResolver } from './recovery/intent-resolver.js';
import { deciderOf, openTransactionOf, type Part, type Plan, shapeOf } from './protocol/plan.js';
import type { CommittedVersions, Proposal } from './protocol/proposal.js';
import type { Command, Move, Protocol, Result, State, Verdict } from './protocol/protocol.js';
import { LATE_PREPARE_REFUSED_MS, PREPARING_AT_MOST_MS, SETTLED_KEPT_MS } from './protocol/times.js';
import type { Voters } from './participants/voters.js';

/** Whether nobody knows what became of something that has to be cleared up: an intent, or a place on the list. */
function isLeftBy({ step }: Command, result: Result): boolean {
  return step === 'ask' ? result === 'lost' : (step === 'settle' || step === 'close') && result !== 'done';
}

/** What a commit in two phases is made of. */
export interface TwoPhaseParts {
  readonly store: CacheTxnStore;
  readonly resolver: IntentResolver;
  readonly plan: Plan;
  readonly proposal: Proposal;
  readonly decider: Decider;
  readonly voters: Voters;
  readonly time: CommitTime;
  readonly findings: Findings;
  readonly protocol: Protocol;
}

/**
 * One commit in two phases: plays what the protocol says against store, database and participants. Over slots alone it
 * takes two round trips to the answer, three when it compares keys that were only read in other slots than the deciding one.
 */
export class TwoPhaseCommit {
  /** A slot may still have an intent of it, or the list the transaction, when it is over. */
  hasLeft = false;

  constructor(private readonly parts: TwoPhaseParts) {}

  /**
   * Resolves when nothing is underway any more; `answer` is called once, as soon as the outcome stands.
   * @param answer gets the versions, or why nothing is visible, or that nobody can tell
   */
  run(answer: (versions: CommittedVersions | Error) => void): Promise<void> {
    const { findings, plan, proposal, protocol, voters } = this.parts;
    const shape = shapeOf(plan, voters.count);
    // What is decided elsewhere is visible, and what others do with it is done, before the caller goes on.
    const isAwaited = plan.decider === 'database' || voters.count > 0;
    let state: State | undefined;
    let isTold = false;
    const play = async (move: Move): Promise<void> => {
      const { answer: known, phase } = move.state;
      state = move.state;
      if (known !== undefined && !isTold && !(isAwaited && phase === 'finishing')) {
        isTold = true;
        if (known === 'failed') await this.parts.decider.abort();
        answer(known === 'committed' ? findings.versions : findings.error(proposal));
      }
      await Promise.all(
        move.commands.map(async (command) => {
          const result = await this.send(command);
          this.hasLeft ||= isLeftBy(command, result);
          await play(protocol.proceed(shape, present(state, 'the state of a commit'), command, result));
        }),
      );
    };
    return play(protocol.begin(shape));
  }

  private async send(command: Command): Promise<Result> {
    try {
      return await this.execute(command);
    } catch (error) {
      const { decider, findings } = this.parts;
      findings.fail(error);
      // Whatever is not known to have stayed undone may have been done.
      if (!(error instanceof StoreUnavailableError || error instanceof LockLostError)) return 'lost';
      return command.step === 'decide' && decider.mayDecideLater ? 'refused' : 'unsent';
    }
  }

  private async execute(command: Command): Promise<Result> {
    const { decider, plan, store, time, voters } = this.parts;
    switch (command.step) {
      case 'mark':
        return decider.mark();
      case 'open':
        await store.openTransaction(openTransactionOf(plan), time.leftMs);
        return 'done';
      case 'prepare':
        return this.prepare(this.part(command.part));
      case 'vote':
        return voters.vote(command.voter);
      case 'validate':
        return this.validate(command.read);
      case 'decide':
        return decider.decide();
      case 'ask':
        return decider.ask();
      case 'settle':
        await this.settle(this.part(command.part), command.verdict, command.isPrepareUnderway);
        return 'done';
      case 'execute':
        return voters.execute(command.voter);
      case 'withdraw':
        return voters.withdraw(command.voter);
      case 'retire':
        return decider.retire();
      case 'close':
        await store.closeTransaction(openTransactionOf(plan));
        return 'done';
    }
  }

  private async prepare({ operations, guards }: Part): Promise<Result> {
    const { findings, plan, resolver, store, time } = this.parts;
    const { leftMs } = time;
    const guardMs = leftMs + PREPARING_AT_MOST_MS;
    const request = { txnId: plan.txnId, decider: deciderOf(plan), operations, guards, leftMs, guardMs };
    const outcome = await resolver.past(() => store.prepare(request));
    return outcome.kind === 'prepared' ? findings.prepared(operations, outcome.versions) : findings.refuse(outcome);
  }

  private async validate(read: number): Promise<Result> {
    const { findings, plan, resolver, store } = this.parts;
    const operations = present(plan.reads[read], 'the keys to compare');
    const request = { txnId: plan.txnId, operations, guards: [], outcomeTtlMs: 0 };
    const outcome = await resolver.past(() => store.commit(request));
    return outcome.kind === 'committed' ? findings.accept(operations, outcome.versions) : findings.refuse(outcome);
  }

  private async settle({ operations }: Part, verdict: Verdict, isPrepareUnderway: boolean): Promise<void> {
    const { findings, plan, store } = this.parts;
    const keys = operations.map(({ key }) => key);
    const versions = keys.map((key) => findings.stagedVersionOf(key));
    const rememberMs = isPrepareUnderway ? LATE_PREPARE_REFUSED_MS : SETTLED_KEPT_MS;
    const anchor = present(keys[0], 'a write of the slot');
    await store.settle({ txnId: plan.txnId, verdict, keys, anchor, versions, rememberMs });
  }

  private part(index: number): Part {
    return present(this.parts.plan.parts[index], 'a slot of the commit');
  }
}

import type { Clock } from '../../../src/base/clock.js';
import { present } from '../../../src/base/assert.js';
import type { Random } from '../../../src/base/random.js';
import { Committer } from '../../../src/commit/committer.js';
import { IntentResolver } from '../../../src/commit/intent-resolver.js';
import { OutcomeQuestion } from '../../../src/commit/outcome-question.js';
import { hasWrites, isOneSlot, type Plan, planOf, shapeOf, sharesOf } from '../../../src/commit/plan.js';
import type { CommittedVersions, Proposal } from '../../../src/commit/proposal.js';
import type { begin, Move, proceed, State } from '../../../src/commit/protocol.js';
import { TwoPhaseCommit, type TwoPhaseDependencies } from '../../../src/commit/two-phase-commit.js';
import type { CacheTxnStore } from '../../../src/store/store.js';

/** The two functions of the protocol, one of them wrong. */
export interface Protocol {
  readonly begin: typeof begin;
  readonly proceed: typeof proceed;
}

/** Commits as the real one does, but over several slots by another protocol. */
export class MutantCommitter extends Committer {
  private readonly wrong: TwoPhaseDependencies;

  constructor(
    private readonly store: CacheTxnStore,
    clock: Clock,
    random: Random,
    private readonly protocol: Protocol,
  ) {
    super(store, clock, random);
    const question = new OutcomeQuestion(store, clock, random);
    this.wrong = { store, clock, question, resolver: new IntentResolver(store) };
  }

  override commit(proposal: Proposal): Promise<CommittedVersions> {
    if (isOneSlot(this.store, proposal) || !hasWrites(proposal.operations)) return super.commit(proposal);
    const plan = planOf(proposal.txnId, sharesOf(this.store, proposal));
    return new Promise((resolve, reject) => {
      new MutantRun(this.wrong, plan, proposal, this.protocol)
        .run((answer) => {
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        })
        .catch(reject);
    });
  }
}

class MutantRun extends TwoPhaseCommit {
  constructor(
    deps: TwoPhaseDependencies,
    private readonly of: Plan,
    proposal: Proposal,
    private readonly protocol: Protocol,
  ) {
    super(deps, of, proposal);
  }

  /** As in the real one, with the wrong functions. */
  override run(answer: (versions: CommittedVersions | Error) => void): Promise<void> {
    const shape = shapeOf(this.of);
    let state: State | undefined;
    const play = async (move: Move): Promise<void> => {
      if (move.state.answer !== undefined && state?.answer === undefined) {
        answer(move.state.answer === 'committed' ? this['versions'] : this['error']());
      }
      state = move.state;
      await Promise.all(
        move.commands.map(async (command) => {
          const result = await this['send'](command);
          await play(this.protocol.proceed(shape, present(state, 'the state of a commit'), command, result));
        }),
      );
    };
    return play(this.protocol.begin(shape));
  }
}

import type { KeySpace } from '../../store/key-space.js';
import type {
  AnswerOutcome,
  MemberAnswer,
  MemberLook,
  MemberOutcome,
  OpenRoll,
  RollAnswer,
  RollCall,
  RollCallOutcome,
  RollConclusion,
  RollHint,
  RollOutcome,
  RollState,
} from '../../store/member-operations.js';
import type { CommandRunner } from './command-runner.js';
import { ReplyReader, unexpected } from './reply.js';
import { loadScript, type Script } from './script.js';

/** The operations behind participants on other nodes; see `scripts/member-*.lua` and `scripts/roll-*.lua`. */
export class MemberCommands {
  private readonly scripts = {
    look: loadScript('member-look'),
    leave: loadScript('member-leave'),
    call: loadScript('roll-call'),
    read: loadScript('roll-read'),
    answer: loadScript('roll-answer'),
    conclude: loadScript('roll-conclude'),
  };

  constructor(
    private readonly runner: CommandRunner,
    private readonly keys: KeySpace,
    /** Where owners of this process hear of votes. */
    private readonly inbox: string,
  ) {}

  async look({ name, node, leaseMs, isEntering, former = '' }: MemberLook): Promise<MemberOutcome> {
    const args = [node, Math.ceil(leaseMs), isEntering ? 1 : 0, former];
    const reply = await this.run(this.scripts.look, name, args);
    const kind = reply.text();
    if (kind === 'lost') return { kind };
    if (kind !== 'member') throw unexpected('member-look', 'an outcome', kind);
    const rolls: OpenRoll[] = [];
    while (!reply.isDone) rolls.push(readOpenRoll(reply));
    return { kind, rolls };
  }

  async leave(name: string, node: string): Promise<void> {
    await this.runner.script(this.scripts.leave, this.keys.rolls(name), [node]);
  }

  async call({ name, txnId, payload, decider, leftMs }: RollCall): Promise<RollCallOutcome> {
    const args = [txnId, decider, Math.ceil(leftMs), this.inbox, this.keys.rollChannel(name), payload];
    const reply = await this.run(this.scripts.call, name, args, txnId);
    const kind = reply.text();
    if (kind === 'called') return { kind, members: reply.number() };
    if (kind === 'over') return { kind };
    if (kind !== 'busy') throw unexpected('roll-call', 'an outcome', kind);
    return { kind, roll: { txnId: reply.text(), decider: reply.text(), deadlineMs: reply.number() } };
  }

  async read(name: string, txnId: string): Promise<RollState> {
    const reply = await this.run(this.scripts.read, name, [txnId]);
    const kind = reply.text();
    if (kind === 'vetoed') return { kind, node: reply.text() };
    if (kind === 'waiting' || kind === 'ready' || kind === 'over') return { kind };
    throw unexpected('roll-read', 'a state', kind);
  }

  async answer({ name, txnId, node, answer }: MemberAnswer): Promise<AnswerOutcome> {
    const reply = await this.run(this.scripts.answer, name, [txnId, node, answer]);
    const kind = reply.text();
    if (kind === 'noted' || kind === 'over' || isOutcome(kind)) return { kind };
    throw unexpected('roll-answer', 'an outcome', kind);
  }

  async conclude({ name, txnId, outcome, rememberMs }: RollConclusion): Promise<RollOutcome> {
    const keys = [...this.keys.rolls(name), this.keys.rollRecord(name, txnId)];
    const args = [txnId, outcome, rememberMs, this.keys.rollChannel(name)];
    const noted = await this.runner.script(this.scripts.conclude, keys, args);
    if (typeof noted === 'string' && isOutcome(noted)) return noted;
    throw unexpected('roll-conclude', 'an outcome', noted);
  }

  private async run(
    script: Script,
    name: string,
    args: readonly (string | number)[],
    txnId?: string,
  ): Promise<ReplyReader> {
    const record = txnId === undefined ? [] : [this.keys.rollRecord(name, txnId)];
    return ReplyReader.of(await this.runner.script(script, [...this.keys.rolls(name), ...record], args), script.name);
  }
}

/** A message that means nothing is none of ours. */
export function hintOf(message: string): RollHint | undefined {
  if (message === 'look') return { kind: 'look' };
  const [txnId = '', outcome = ''] = message.split(' ');
  return isOutcome(outcome) ? { kind: outcome, txnId } : undefined;
}

function readOpenRoll(reply: ReplyReader): OpenRoll {
  const [txnId, decider] = [reply.text(), reply.text()];
  const [deadlineMs, leftMs] = [reply.number(), reply.number()];
  const [outcome, answer] = [reply.text(), reply.text()];
  const [hasPayload, payload] = [reply.text() === '1', reply.text()];
  if (!(outcome === '' || isOutcome(outcome))) throw unexpected('member-look', 'an outcome', outcome);
  if (!(answer === '' || isAnswer(answer))) throw unexpected('member-look', 'an answer', answer);
  return {
    txnId,
    decider,
    deadlineMs,
    leftMs,
    outcome: outcome === '' ? undefined : outcome,
    answer: answer === '' ? undefined : answer,
    payload: hasPayload ? payload : undefined,
  };
}

function isOutcome(text: string): text is RollOutcome {
  return text === 'committed' || text === 'aborted';
}

function isAnswer(text: string): text is RollAnswer {
  return text === 'asked' || text === 'ready' || text === 'veto';
}

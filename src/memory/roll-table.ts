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
  VotesComplete,
} from '../store/member-operations.js';
import { ExpiringMap } from './expiring-map.js';
import type { Instant } from './server-time.js';

interface Roll {
  readonly txnId: string;
  readonly payload: string;
  readonly decider: string;
  readonly deadlineMs: number;
  readonly inbox: string;
  /** Each that has to act still. */
  readonly nodes: Map<string, RollAnswer>;
  outcome: RollOutcome | undefined;
}

/** The participants of one name: the members, and what is asked of them. The scripts `member-*.lua` and `roll-*.lua` in memory. */
export class RollTable {
  private readonly leaseEndsMs = new Map<string, number>();
  private readonly rolls = new Map<string, Roll>();
  private readonly ended = new ExpiringMap<RollOutcome>();
  private readonly watchers = new Set<{ readonly hear: (hint: RollHint) => void }>();

  constructor(
    private readonly name: string,
    private readonly tellOwner: (inbox: string, votes: VotesComplete) => void,
  ) {}

  look({ node, leaseMs, isEntering, former }: MemberLook, now: Instant): MemberOutcome {
    if (former !== undefined) this.leaseEndsMs.delete(former);
    if (isEntering) this.leaseEndsMs.set(node, now.ms + leaseMs);
    this.dropLapsed(now);
    if (!this.leaseEndsMs.has(node)) return { kind: 'lost' };
    this.leaseEndsMs.set(node, now.ms + leaseMs);
    return { kind: 'member', rolls: [...this.rolls.values()].map((roll) => this.seenBy(node, roll, now)) };
  }

  leave(node: string, now: Instant): void {
    this.leaseEndsMs.delete(node);
    this.dropLapsed(now);
  }

  call({ txnId, payload, decider, leftMs }: RollCall, inbox: string, now: Instant): RollCallOutcome {
    if (this.ended.get(txnId, now.ms) !== undefined) return { kind: 'over' };
    this.dropLapsed(now);
    for (const { txnId: other, decider: by, deadlineMs, outcome } of this.rolls.values()) {
      if (other !== txnId && outcome === undefined)
        return { kind: 'busy', roll: { txnId: other, decider: by, deadlineMs } };
    }
    const known = this.rolls.get(txnId);
    if (known !== undefined) return { kind: 'called', members: known.nodes.size };
    const nodes = new Map([...this.leaseEndsMs.keys()].map((node): [string, RollAnswer] => [node, 'asked']));
    const deadlineMs = now.ms + leftMs;
    this.rolls.set(txnId, { txnId, payload, decider, deadlineMs, inbox, nodes, outcome: undefined });
    if (nodes.size > 0) this.tell({ kind: 'look' });
    return { kind: 'called', members: nodes.size };
  }

  read(txnId: string, now: Instant): RollState {
    this.dropLapsed(now);
    const roll = this.rolls.get(txnId);
    return roll === undefined || roll.outcome !== undefined ? { kind: 'over' } : stateOf(roll);
  }

  answer({ txnId, node, answer }: MemberAnswer): AnswerOutcome {
    const roll = this.rolls.get(txnId);
    const before = roll?.nodes.get(node);
    if (roll === undefined || before === undefined) return { kind: 'over' };
    if (answer === 'done') roll.nodes.delete(node);
    else if (roll.outcome !== undefined) return { kind: roll.outcome };
    else if (before === 'asked') roll.nodes.set(node, answer);
    else return { kind: 'noted' };
    this.keep(roll);
    return { kind: 'noted' };
  }

  conclude({ txnId, outcome, rememberMs }: RollConclusion, now: Instant): RollOutcome {
    const roll = this.rolls.get(txnId);
    const known = roll?.outcome ?? this.ended.get(txnId, now.ms);
    if (known !== undefined) return known;
    this.ended.set(txnId, outcome, now.ms + rememberMs, now.ms);
    if (roll === undefined) return outcome;
    roll.outcome = outcome;
    if (roll.nodes.size > 0) this.tell({ kind: outcome, txnId });
    this.keep(roll);
    return outcome;
  }

  watch(listener: (hint: RollHint) => void): () => void {
    const entry = { hear: listener };
    this.watchers.add(entry);
    return () => {
      this.watchers.delete(entry);
    };
  }

  /** Nobody waits for a node whose lease has ended: it does not act as a member any more. */
  private dropLapsed(now: Instant): void {
    for (const [node, endsMs] of this.leaseEndsMs) if (endsMs <= now.ms) this.leaseEndsMs.delete(node);
    for (const roll of this.rolls.values()) {
      const lapsed = [...roll.nodes.keys()].filter((node) => !this.leaseEndsMs.has(node));
      for (const node of lapsed) roll.nodes.delete(node);
      if (lapsed.length > 0) this.keep(roll);
    }
  }

  /** A roll with an outcome goes with the last node that had to act on it. */
  private keep(roll: Roll): void {
    if (roll.outcome === undefined) {
      const { kind } = stateOf(roll);
      const { name } = this;
      if (kind !== 'waiting') this.tellOwner(roll.inbox, { name, txnId: roll.txnId, isReady: kind === 'ready' });
    } else if (roll.nodes.size === 0) {
      this.rolls.delete(roll.txnId);
    }
  }

  private seenBy(node: string, { txnId, decider, deadlineMs, outcome, payload, nodes }: Roll, now: Instant): OpenRoll {
    const answer = nodes.get(node);
    const leftMs = Math.max(0, deadlineMs - now.ms);
    return { txnId, decider, deadlineMs, leftMs, outcome, answer, payload: answer === 'asked' ? payload : undefined };
  }

  /** A hint arrives after the operation that caused it, as from a real server. */
  private tell(hint: RollHint): void {
    queueMicrotask(() => {
      for (const watcher of [...this.watchers]) watcher.hear(hint);
    });
  }
}

function stateOf({ nodes }: Roll): RollState {
  let isWaiting = false;
  for (const [node, answer] of nodes) {
    if (answer === 'veto') return { kind: 'vetoed', node };
    if (answer === 'asked') isWaiting = true;
  }
  return { kind: isWaiting ? 'waiting' : 'ready' };
}

import type { OutcomeRecords } from '../../../src/memory/outcome-records.js';
import { MemorySlot } from '../../../src/memory/memory-slot.js';
import type { Instant } from '../../../src/memory/server-time.js';
import type { CommitOutcome, CommitRequest } from '../../../src/store/entry-operations.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  DecisionQuestion,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
} from '../../../src/store/intent-operations.js';

/** What the slot knows of outcomes: a mutant may look where nobody else can. */
function recordsOf(slot: MemorySlot): OutcomeRecords {
  return (slot as unknown as { readonly records: OutcomeRecords }).records;
}

/** A question past the deadline is answered with `aborted`, and a decision that comes later is taken all the same. */
export class PresumingSlot extends MemorySlot {
  override ask(intent: DecisionQuestion, now: Instant): Decision {
    const own = this.entries.intentOf(intent.decider);
    const endsMs = own?.txnId === intent.txnId ? own.deadlineMs : intent.deadlineMs;
    if (recordsOf(this).outcomeOf(intent.txnId, now) !== undefined || endsMs > now.ms) return super.ask(intent, now);
    return { kind: 'aborted' };
  }
}

/** A question is answered with `aborted` while the owner may still decide. */
export class HastySlot extends MemorySlot {
  override ask(intent: DecisionQuestion, now: Instant): Decision {
    const answer = super.ask(intent, now);
    return answer.kind === 'pending' ? { kind: 'aborted' } : answer;
  }
}

/** Whatever intent is on the key gets settled, whoever it belongs to. */
export class AnyIntentSlot extends MemorySlot {
  override settle(request: SettleRequest, now: Instant): void {
    for (const key of request.keys) {
      const txnId = this.entries.intentOf(key)?.txnId ?? request.txnId;
      this.entries.settle(key, txnId, request.verdict === 'committed', now);
    }
    super.settle(request, now);
  }
}

/** Nothing is compared with what was read. */
export class UncheckedSlot extends MemorySlot {
  override commit(request: CommitRequest, now: Instant): CommitOutcome {
    return super.commit({ ...request, operations: unexpected(request.operations) }, now);
  }

  override prepare(request: PrepareRequest, now: Instant): PrepareOutcome {
    return super.prepare({ ...request, operations: unexpected(request.operations) }, now);
  }

  override decide(request: DecideRequest, now: Instant): DecideOutcome {
    return super.decide({ ...request, checks: [] }, now);
  }
}

function unexpected<T extends CommitRequest['operations'][number]>(operations: readonly T[]): T[] {
  return operations.map((each) => (each.kind === 'check' ? each : { ...each, expected: undefined }));
}

/** Nobody looks whether the locks are still held. */
export class UnguardedSlot extends MemorySlot {
  override commit(request: CommitRequest, now: Instant): CommitOutcome {
    return super.commit({ ...request, guards: [] }, now);
  }

  override prepare(request: PrepareRequest, now: Instant): PrepareOutcome {
    return super.prepare({ ...request, guards: [] }, now);
  }
}

/** Locks are looked at, and not made to last until the decision. */
export class ShortGuardSlot extends MemorySlot {
  override prepare(request: PrepareRequest, now: Instant): PrepareOutcome {
    return super.prepare({ ...request, guardMs: 0 }, now);
  }
}

/** A prepare that comes after the end of its transaction is taken all the same. */
export class OpenDoorSlot extends MemorySlot {
  override settle(request: SettleRequest, now: Instant): void {
    super.settle({ ...request, rememberMs: 0 }, now);
  }
}

/** A reader of a prepared write is told at once that it is committed. */
export class EagerSlot extends MemorySlot {
  override ask(intent: DecisionQuestion, now: Instant): Decision {
    const answer = super.ask(intent, now);
    return answer.kind === 'pending' ? { kind: 'committed' } : answer;
  }
}

/** The decision forgets to compare what was only read in its own slot. */
export class UncheckedDecisionSlot extends MemorySlot {
  override decide(request: DecideRequest, now: Instant): DecideOutcome {
    return super.decide({ ...request, checks: [] }, now);
  }
}

/** A commit that arrives twice is applied twice. */
export class TwiceSlot extends MemorySlot {
  override commit(request: CommitRequest, now: Instant): CommitOutcome {
    return super.commit({ ...request, outcomeTtlMs: 0 }, now);
  }
}

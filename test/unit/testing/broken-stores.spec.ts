import { describe, expect, it } from '@jest/globals';
import { silentSink } from '../../support/silent-sink.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../../../src/store/entry-operations.js';
import type { FillOutcome, FillRequest, LeaseOutcome, LeaseRequest } from '../../../src/store/fill-operations.js';
import type { Intent } from '../../../src/store/intent.js';
import type {
  DecideOutcome,
  DecideRequest,
  Decision,
  ListedTransaction,
  SettleRequest,
} from '../../../src/store/intent-operations.js';
import type { ReleaseOutcome, ReleaseRequest, RenewOutcome, RenewRequest } from '../../../src/store/lock-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { storeConformanceCases } from '../../../src/testing/store-conformance/store-conformance.js';
import { SlottedStore } from '../../support/stores/slotted-store.js';

/** A store by somebody else, around one that works. */
class Decorated extends SlottedStore {
  constructor(inner: CacheTxnStore) {
    super([inner], () => 0);
  }
}

class ForgetsGuards extends Decorated {
  override commit(request: CommitRequest): Promise<CommitOutcome> {
    return super.commit({ ...request, guards: [] });
  }
}

class FreesForeignLocks extends Decorated {
  override async releaseLocks(request: ReleaseRequest): Promise<ReleaseOutcome> {
    const outcome = await super.releaseLocks(request);
    for (const name of request.names) await this.forceReleaseLock(name);
    return outcome;
  }
}

class RenewsBlindly extends Decorated {
  override async renewLocks(requests: readonly RenewRequest[]): Promise<readonly RenewOutcome[]> {
    await super.renewLocks(requests);
    return requests.map(() => 'held');
  }
}

class PresumesAborted extends Decorated {
  override async resolveCommit(_request: CommitRequest): Promise<ResolveOutcome> {
    return { kind: 'aborted' };
  }
}

class DecidesWithoutIntents extends Decorated {
  override async decide(request: DecideRequest): Promise<DecideOutcome> {
    const entries = await super.readEntries(request.operations.map(({ key }) => key));
    const operations = request.operations.filter((_, i) => entries[i]?.intent?.txnId === request.txnId);
    return super.decide(operations.length === 0 ? request : { ...request, operations });
  }
}

class ForgetsAborts extends Decorated {
  override settle(request: SettleRequest): Promise<void> {
    return super.settle({ ...request, rememberMs: 0 });
  }
}

class PresumesCommitted extends Decorated {
  override async askDecision(intent: Pick<Intent, 'txnId' | 'decider' | 'deadlineMs'>): Promise<Decision> {
    const decision = await super.askDecision(intent);
    return decision.kind === 'aborted' ? { kind: 'committed' } : decision;
  }
}

class SettlesTooMuch extends Decorated {
  override async settle(request: SettleRequest): Promise<void> {
    const entries = await super.readEntries(request.keys);
    const met = new Set(entries.map((entry) => entry?.intent?.txnId ?? request.txnId));
    for (const txnId of met) await super.settle({ ...request, txnId });
  }
}

class DecidesWhatItLists extends Decorated {
  override async listTransactions(limit: number): Promise<readonly ListedTransaction[]> {
    const listed = await super.listTransactions(limit);
    for (const { txnId, keys } of listed) await super.askDecision({ txnId, decider: keys[0] ?? '', deadlineMs: 0 });
    return super.listTransactions(limit);
  }
}

class FillsBlindly extends Decorated {
  override async fill(request: FillRequest): Promise<FillOutcome> {
    await super.leaseFill({ ...request, leaseMs: 60_000 });
    return super.fill(request);
  }
}

class TellsWhoDidNotAsk extends Decorated {
  override leaseFill(request: LeaseRequest): Promise<LeaseOutcome> {
    return super.leaseFill({ ...request, tellsEnd: true });
  }
}

class RecoversByRollingBack extends Decorated {
  override settle(request: SettleRequest): Promise<void> {
    return super.settle(request.verdict === 'void' ? { ...request, verdict: 'aborted' } : request);
  }
}

/** The names of the cases that a store fails. */
async function failuresOf(decorate: (inner: CacheTxnStore) => CacheTxnStore): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of storeConformanceCases()) {
    const clock = new ManualClock();
    const backend = new MemoryBackend({ timeUs: clock.timeUs });
    const [store, second] = [decorate(memoryStore({ backend })), decorate(memoryStore({ backend }))];
    for (const each of [store, second]) {
      const processLabel = each === store ? 'first' : 'second';
      await each.start({ namespace: 'unit', processLabel, report: silentSink, warn: () => undefined });
    }
    let names = 0;
    const uniqueName = (prefix: string): string => `${prefix}-${(names += 1)}`;
    await run({ store, second, elapse: (ms) => clock.advanceAsync(ms), uniqueName }).catch((error: unknown) => {
      failed.push(`${name} (${(error as { code?: string }).code ?? 'no assertion'})`);
    });
  }
  return failed;
}

describe('the conformance cases', () => {
  it('G39: pass a store that decorates one that works', async () => {
    expect(await failuresOf((inner) => new Decorated(inner))).toEqual([]);
  });

  it.each([
    [
      'forgets the guards of a commit',
      ForgetsGuards,
      'a paused holder’s commit is refused after its lock has been handed on',
    ],
    [
      'frees locks of others',
      FreesForeignLocks,
      'a released lock with a waiter is never free: a newcomer meets it busy',
    ],
    [
      'renews what is lost',
      RenewsBlindly,
      'an expired lock is lost even when nobody has taken it, and renewing does not revive it',
    ],
    [
      'presumes a commit without an answer aborted',
      PresumesAborted,
      'a commit that happened resolves as committed with its versions, in every process and every time',
    ],
    [
      'decides without all intents of the transaction',
      DecidesWithoutIntents,
      'a decision without all of its intents is refused for good',
    ],
    [
      'forgets that a transaction is over',
      ForgetsAborts,
      'a prepare that comes after its transaction was settled is refused, as long as the settlement says',
    ],
    [
      'presumes a transaction without a decision committed',
      PresumesCommitted,
      'who asks after the deadline makes the transaction aborted for good',
    ],
    [
      'settles whatever intent it meets',
      SettlesTooMuch,
      'a settlement takes out the intents of its own transaction and of the keys it names, no others',
    ],
    [
      'decides about what somebody only looks at',
      DecidesWhatItLists,
      'a listed transaction is pending until it is decided, and committed or aborted afterwards',
    ],
    [
      'publishes whatever was loaded',
      FillsBlindly,
      'every commit that writes a key ends its lease, with a value in it or without',
    ],
    [
      'tells whoever has met a lease of its end',
      TellsWhoDidNotAsk,
      'who has not asked for it is told nothing, and neither is anybody of a fill that is refused',
    ],
    [
      'rolls back what a database may have committed',
      RecoversByRollingBack,
      'a void settlement deletes value, write and lease of every key it names',
    ],
  ] as const)('fail a store that %s, by an assertion', async (_, Broken, rule) => {
    const failed = await failuresOf((inner) => new Broken(inner));
    expect(failed).toContain(`${rule} (ERR_ASSERTION)`);
    expect(failed.filter((each) => !each.endsWith(' (ERR_ASSERTION)'))).toEqual([]);
  });
});

import type { CommitOutcome, CommitRequest, ResolveOutcome } from '../../store/entry-operations.js';
import type {
  DecideOutcome,
  DecideRequest,
  PrepareOutcome,
  PrepareRequest,
  SettleRequest,
} from '../../store/intent-operations.js';
import type { KeySpace } from '../../store/key-space.js';
import type { EntryCommands } from './entry-commands.js';
import type { IntentCommands } from './intent-commands.js';
import type { ReplicaAcknowledgement } from '../replicas/replica-acknowledgement.js';
import type { Proof } from '../replicas/replica-connection.js';

/** The operations that a commit consists of: as they are, or answered only when every replica has them too. */
export class CommitCommands {
  constructor(
    private readonly entries: EntryCommands,
    private readonly intents: IntentCommands,
    private readonly keys: KeySpace,
    private readonly replicas: ReplicaAcknowledgement | undefined,
  ) {}

  commit(request: CommitRequest): Promise<CommitOutcome> {
    const committed = this.entries.commit(request);
    if (this.replicas === undefined || !request.operations.some(({ kind }) => kind !== 'check')) return committed;
    return this.confirmed(committed, 'commit', 'committed', () => this.recordOf(request));
  }

  /** A commit whose answer was lost may have been on its way to the replicas as well. */
  resolve(request: CommitRequest): Promise<ResolveOutcome> {
    return this.confirmed(this.entries.resolve(request), 'commit', 'committed', () => this.recordOf(request));
  }

  /** A decision is worth nothing where the prepared writes of another slot get lost. */
  prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    const { txnId, operations } = request;
    const prepared = this.intents.prepare(request);
    const [first] = operations;
    if (first === undefined) return prepared;
    const isGiven = (intent: string | null): boolean => intent?.startsWith(`${txnId} `) ?? false;
    return this.confirmed(prepared, 'prepare', 'prepared', () => ({
      key: this.keys.entry(first.key),
      field: 'i',
      isGiven,
    }));
  }

  decide(request: DecideRequest): Promise<DecideOutcome> {
    return this.confirmed(this.intents.decide(request), 'decide', 'committed', () => this.recordOf(request));
  }

  /** The decision may be forgotten afterwards, so what it made visible has to outlast a failover by itself. */
  async settle(request: SettleRequest): Promise<void> {
    await this.intents.settle(request);
    if (request.verdict !== 'committed' || request.isInPassing) return;
    const key = this.keys.outcome(this.keys.entry(request.anchor), request.txnId);
    await this.replicas?.confirm('settle', { key, isGiven: isNoAbort });
  }

  private async confirmed<T extends { readonly kind: string }>(
    done: Promise<T>,
    step: string,
    kind: T['kind'],
    proof: () => Proof,
  ): Promise<T> {
    const outcome = await done;
    if (outcome.kind === kind) await this.replicas?.confirm(step, proof());
    return outcome;
  }

  private recordOf({ txnId, operations }: Pick<CommitRequest, 'txnId' | 'operations'>): Proof {
    return { key: this.keys.outcome(this.keys.entry(operations[0]?.key ?? ''), txnId), isGiven: isNoAbort };
  }
}

function isNoAbort(record: string | null): boolean {
  return record !== null && record !== 'aborted';
}

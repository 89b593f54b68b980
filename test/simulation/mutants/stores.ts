import { StoreTimeoutError } from '../../../src/base/errors.js';
import type { CommitOperation } from '../../../src/store/entry-operations.js';
import type { PrepareOutcome, PrepareRequest, SettleRequest } from '../../../src/store/intent-operations.js';
import { SimStore } from '../world/sim-store.js';

/** Answers for every slot but the one that decides before the slot does, so that the decision does not wait for it. */
export class ImpatientStore extends SimStore {
  override async prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    const { operations, decider } = request;
    const answer = super.prepare(request);
    const [first] = operations;
    if (first === undefined || this.slotOf('entry', first.key) === this.slotOf('entry', decider)) return answer;
    answer.catch(() => undefined);
    return { kind: 'prepared', versions: operations.map(() => 0) };
  }
}

/** Takes a settlement that was not answered for one that was made. */
export class CarelessStore extends SimStore {
  override async settle(request: SettleRequest): Promise<void> {
    try {
      await super.settle(request);
    } catch (error) {
      if (!(error instanceof StoreTimeoutError)) throw error;
    }
  }
}

/** The owner makes its writes visible whether its intents are still there or not. */
export class PublishingStore extends SimStore {
  private readonly prepared = new Map<string, readonly CommitOperation[]>();

  override prepare(request: PrepareRequest): Promise<PrepareOutcome> {
    for (const { key } of request.operations) this.prepared.set(`${request.txnId} ${key}`, request.operations);
    return super.prepare(request);
  }

  override async settle(request: SettleRequest): Promise<void> {
    await super.settle(request);
    if (request.verdict !== 'published') return;
    const { keys, txnId } = request;
    const operations = this.prepared.get(`${txnId} ${keys[0] ?? ''}`) ?? [];
    const writes = operations.map((each) => ({ ...each, expected: undefined }) as CommitOperation);
    await this.commit({ txnId: `${txnId} published`, operations: writes, guards: [], outcomeTtlMs: 0 });
  }
}

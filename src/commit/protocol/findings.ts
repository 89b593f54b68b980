import { StoreTimeoutError, StoreUnavailableError, TransactionInDoubtError } from '../../base/errors.js';
import type { CommittedVersions, Proposal } from './proposal.js';
import type { Result } from './protocol.js';
import { type Refusal, refusalError } from './refusal.js';

/** What has been found out about a commit on its way. */
export class Findings {
  private readonly known = new Map<string, number>();
  /** What each write counts as, deletions too. */
  private readonly staged = new Map<string, number>();
  private readonly refusals: Refusal[] = [];
  private failure: Error | undefined;

  /** Version of each key of the transaction after the commit. */
  get versions(): CommittedVersions {
    return this.known;
  }

  stagedVersionOf(key: string): number {
    return this.staged.get(key) ?? 0;
  }

  /** These keys were found at, or will have, these versions. */
  accept(operations: readonly { readonly key: string }[], versions: readonly number[]): Result {
    operations.forEach(({ key }, i) => this.known.set(key, versions[i] ?? 0));
    return 'done';
  }

  prepared(
    operations: readonly { readonly key: string; readonly kind: string }[],
    versions: readonly number[],
  ): Result {
    operations.forEach(({ key, kind }, i) => {
      this.staged.set(key, versions[i] ?? 0);
      this.known.set(key, kind === 'delete' ? 0 : (versions[i] ?? 0));
    });
    return 'done';
  }

  refuse(refusal: Refusal): Result {
    this.refusals.push(refusal);
    return 'refused';
  }

  /** The first one counts, unless a later one leaves the outcome open. */
  fail(error: unknown): void {
    const failure = asError(error);
    if (this.failure === undefined || failure instanceof TransactionInDoubtError) this.failure = failure;
  }

  /** Why nothing is visible, or that nobody can tell. */
  error(proposal: Proposal): Error {
    const { failure, refusals } = this;
    if (failure instanceof TransactionInDoubtError) return failure;
    if (refusals.length > 0) return refusalError(refusals, proposal);
    if (failure !== undefined && !(failure instanceof StoreTimeoutError)) return failure;
    return new StoreUnavailableError('the commit did not reach every slot in time; nothing of it is visible', {
      cause: failure,
      details: { txnId: proposal.txnId },
    });
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('something was thrown that is no error', { cause: error });
}

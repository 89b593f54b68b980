import {
  LockLostError,
  PreconditionFailedError,
  TransactionAbortedError,
  VersionConflictError,
} from '../../base/errors.js';
import type { CommitOutcome } from '../../store/entry-operations.js';
import type { Proposal } from './proposal.js';

/** An answer of the store that changed nothing. */
export type Refusal = Exclude<CommitOutcome, { readonly kind: 'committed' }>;

/** The error for the caller of a commit that was refused, by one slot or by several. */
export function refusalError(refusals: readonly Refusal[], { txnId, demanded }: Proposal): Error {
  const lost = refusals.find(({ kind }) => kind === 'lock-lost');
  if (lost?.kind === 'lock-lost') {
    return new LockLostError(`the lock ${lost.name} is no longer held; the commit was refused and nothing is visible`, {
      details: { txnId, names: [lost.name], reason: 'taken' },
    });
  }
  const mismatches = refusals.flatMap((refusal) => (refusal.kind === 'conflict' ? refusal.mismatches : []));
  const unmet = demanded && mismatches.find(({ key }) => key === demanded.key);
  if (unmet && (demanded.expected.kind === 'version' || unmet.actual === 0)) {
    return new PreconditionFailedError(
      `${unmet.key} is not at the version that the client demands; nothing is visible`,
      {
        details: { ...unmet },
      },
    );
  }
  const changed = mismatches.map(({ key }) => key);
  const inUse = refusals.flatMap((refusal) => (refusal.kind === 'intent' ? [refusal.key] : []));
  const keys = [...changed, ...inUse];
  if (keys.length === 0) {
    return new TransactionAbortedError('the transaction was declared aborted before its commit arrived', {
      details: { txnId },
    });
  }
  const why =
    changed.length > 0
      ? `${changed.join(', ')} changed since this transaction read it`
      : `another transaction is writing ${inUse.join(', ')}`;
  return new VersionConflictError(`${why}; nothing is visible`, { details: { txnId, keys } });
}

import { type ReplicasBehindError, TransactionInDoubtError } from '../../base/errors.js';
import type { CommitRequest } from '../../store/entry-operations.js';

/** For the caller of a commit that stands on the master and that not every replica has acknowledged. */
export function inDoubtOf(
  cause: ReplicasBehindError,
  { txnId, operations }: Pick<CommitRequest, 'txnId' | 'operations'>,
): TransactionInDoubtError {
  const keys = operations.map(({ key }) => key);
  return new TransactionInDoubtError(
    'the commit is visible, but not every replica acknowledged it in time; a failover may take it back',
    { cause, details: { txnId, keys, isVisible: true } },
  );
}

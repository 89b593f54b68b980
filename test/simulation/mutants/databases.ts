import type { RecentCommits } from '../../../src/commit/deciders/transaction-database.js';
import type { TransactionFate } from '../../../src/commit/participants/participant.js';
import { SimMarkers } from '../database/sim-markers.js';

/** The question waits for nobody and writes nothing: what is not committed yet counts as aborted. */
export class HastyMarkers extends SimMarkers {
  override async resolve(txnId: string): Promise<TransactionFate> {
    const { link, process } = this;
    const { markers } = link.database;
    return link.once(process, 'look', txnId, () => (markers.get(txnId)?.state === 'C' ? 'committed' : 'aborted'));
  }
}

/** After a failover nothing is replayed. */
export class ForgetfulMarkers extends SimMarkers {
  override async recentlyCommitted(): Promise<RecentCommits> {
    return { ...(await super.recentlyCommitted()), transactions: [] };
  }
}

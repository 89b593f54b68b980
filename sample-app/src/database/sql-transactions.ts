import { Inject, Injectable } from '@nestjs/common';
import { TransactionCoordinator } from 'nestjs-cache-txn';
import { DATABASE, type Database } from './database.js';

/** The SQL transactions of calls that also write to the cache. */
@Injectable()
export class SqlTransactions {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly coordinator: TransactionCoordinator,
  ) {}

  /**
   * Commits what `work` did through `tx`, unless the cache transaction of the call is over by then: its time is up, a
   * lock is lost, the client has left. The answer would say so, and SQL must not have done it all the same.
   */
  async run<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    const cacheTxn = this.coordinator.current();
    if (cacheTxn === undefined) throw new Error('A method that changes rows needs @CacheTxn, for their cache entries');
    return this.db.transaction(async (tx) => {
      // It may have waited for a connection.
      cacheTxn.signal.throwIfAborted();
      const result = await work(tx);
      cacheTxn.signal.throwIfAborted();
      return result;
    });
  }
}

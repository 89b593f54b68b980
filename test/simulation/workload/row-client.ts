import { LazyAbort } from '../../../src/base/abort.js';
import { sleep } from '../../../src/base/clock.js';
import { TransactionTimeoutError } from '../../../src/base/errors.js';
import { resolveLoadOptions } from '../../../src/cache/cache.options.js';
import type { LoadMany } from '../../../src/cache/loading/load-batch.js';
import { ReadThrough } from '../../../src/cache/loading/read-through.js';
import { TagVersions } from '../../../src/cache/tags/tag-versions.js';
import type { Committer } from '../../../src/commit/committer.js';
import type { IntentResolver } from '../../../src/commit/recovery/intent-resolver.js';
import type { CommittedVersions, Proposal } from '../../../src/commit/protocol/proposal.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { ActiveTransaction } from '../../../src/txn/active-transaction.js';
import { decideByDatabase } from '../../../src/txn/database-session.js';
import { resolveTransactionOptions } from '../../../src/txn/txn.options.js';
import type { DatabaseSide } from '../database/database-side.js';
import { DATABASE_NAME } from '../database/sim-markers.js';
import { transact } from '../database/transact.js';
import type { Attempt } from './journal.js';
import type { RowWork } from './row-work.js';

const OPTIONS = resolveTransactionOptions({}, {});
const LOADING = resolveLoadOptions({ ttl: 0, timeout: '9s', wait: '10s' }, {});
const OWNER = { storeName: 'simulated', databaseName: DATABASE_NAME };

/** The part of a client that works with rows: changes them together with entries, and loads entries from them. */
export class RowClient {
  private readonly readThrough: ReadThrough;

  constructor(
    private readonly side: DatabaseSide,
    private readonly committer: Pick<Committer, 'commit'>,
    store: CacheTxnStore,
    resolver: IntentResolver,
  ) {
    this.readThrough = new ReadThrough({
      store,
      clock: side.process.clock,
      resolver,
      strategy: 'timestamp',
      report: () => undefined,
      floorTtlMs: 60_000,
      // Nothing here is loaded early.
      random: () => 0.5,
      tags: new TagVersions(store, (keys) => store.readEntries(keys)),
    });
  }

  /** @throws DatabaseError as well */
  async commit(proposal: Proposal, attempt: Attempt, { entry, thinkMs }: RowWork): Promise<CommittedVersions> {
    const { committer, side } = this;
    const { link, markers, process, profile } = side;
    const { clock } = process;
    const { txnId, deadlineMs } = proposal;
    let versions: CommittedVersions = new Map();
    const values = new Map<string, string>();
    const operations = (): Proposal['operations'] =>
      proposal.operations.map((operation) => {
        const { expected, key, kind } = operation;
        const value = values.get(key);
        if (kind !== 'put' || value === undefined) return operation;
        return entry === 'delete' ? { kind: 'delete', key, expected } : { ...operation, value };
      });
    const nobody = (): Promise<never> => Promise.reject(new Error('the client reads for itself'));
    const txn = new ActiveTransaction(txnId, 1, OPTIONS, OWNER, new LazyAbort(), nobody, new Set());
    txn.commitNow = async () => {
      if (clock.now() >= deadlineMs) throw new TransactionTimeoutError('the transaction did not reach its commit');
      versions = await committer.commit({ ...proposal, operations: operations(), decider: txn.decider });
    };
    const work = transact({ link, process, isolation: profile.isolation }, async (connection) => {
      for (const { key, element } of attempt.appends) {
        const value = await connection.query('UPDATE', { key, element }, (backend) => backend.append(key, element));
        values.set(key, value);
        attempt.puts.delete(key);
        if (entry === 'put') attempt.puts.set(key, value);
      }
      if (thinkMs > 0) await sleep(clock, thinkMs);
    });
    await decideByDatabase(txn, markers, work, clock);
    return versions;
  }

  /** What is cached, or the row. @throws DatabaseError as well */
  async load(key: string): Promise<string | undefined> {
    const { link, process } = this.side;
    const load: LoadMany = async () => {
      const text = await link.once(process, 'SELECT', key, (backend) => backend.select(key));
      return new Map(text === undefined ? [] : [[key, { stored: { body: text, notes: {} }, ttlMs: 0, freshMs: 0 }]]);
    };
    return (await this.readThrough.get({ keys: [key], load, options: LOADING })).get(key)?.stored.body;
  }
}

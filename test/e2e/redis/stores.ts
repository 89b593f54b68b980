import { afterEach } from '@jest/globals';
import type { Redis } from 'ioredis';

import { redisStore } from '../../../src/redis/redis-store.js';
import { observer, type ServerAddress } from '../../support/servers/redis-access.js';
import type { RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import type { AcquireOutcome, AcquireRequest } from '../../../src/store/lock-operations.js';
import type { CommitOperation, CommitOutcome, CommitRequest } from '../../../src/store/entry-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';

export const LONG_MS = 60_000;

/** A store under test, and what it told its module. */
export interface TestStore {
  readonly store: CacheTxnStore;
  readonly namespace: string;
  /** Errors that belong to no call. */
  readonly reports: readonly { readonly error: unknown; readonly during: string }[];
  readonly warnings: readonly string[];
  /** Resolves when the store has started; a test may look at `reports` before. */
  readonly started: Promise<void>;
}

/** Stores and plain clients of one spec file; what a test opened is closed after it. */
export class Stores {
  private readonly open: { close: () => Promise<void> | void }[] = [];
  private namespaces = 0;

  /** Makes a store with a namespace of its own, unless given, and begins to start it. */
  begin(options: RedisStoreOptions, namespace = `e2e-${(this.namespaces += 1)}`): TestStore {
    const store = redisStore(options);
    this.open.push({ close: () => store.stop() });
    const reports: { error: unknown; during: string }[] = [];
    const warnings: string[] = [];
    const started = store.start({
      namespace,
      processLabel: 'e2e',
      report: (error, { during }) => reports.push({ error, during }),
      warn: (message) => warnings.push(message),
    });
    started.catch(() => undefined); // The test that awaits it gets the rejection all the same.
    return { store, namespace, reports, warnings, started };
  }

  /** Makes a store and waits until it has started. */
  async start(options: RedisStoreOptions, namespace?: string): Promise<TestStore> {
    const begun = this.begin(options, namespace);
    await begun.started;
    return begun;
  }

  /** A plain client of the administrator, to look at the server from outside; of the library with its options. */
  client(server: ServerAddress, over: Parameters<typeof observer>[1] = {}): Redis {
    const client = observer(server, over);
    client.on('error', () => undefined); // Servers of these tests go away.
    this.open.push({ close: () => client.disconnect() });
    return client;
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.open.splice(0).map(async ({ close }) => close()));
  }
}

export function useStores(): Stores {
  const stores = new Stores();
  afterEach(() => stores.closeAll());
  return stores;
}

/** An acquisition in which only names and token matter. */
export function asking(names: readonly string[], token: string, over: Partial<AcquireRequest> = {}): AcquireRequest {
  return { names, token, leaseMs: LONG_MS, claimMs: 1_000, queueMs: 0, maxWaiters: 10, ...over };
}

export function put(key: string, value: string): CommitOperation {
  return { kind: 'put', key, value, ttlMs: LONG_MS, strategy: 'timestamp' };
}

let transactions = 0;

/** A commit under an id of its own. */
export function committing(operations: readonly CommitOperation[], over: Partial<CommitRequest> = {}): CommitRequest {
  return { txnId: `txn-${(transactions += 1)}`, operations, guards: [], outcomeTtlMs: LONG_MS, ...over };
}

/** One lock, one write under it, one read and one release: rejects unless all of it works. */
export async function provesItself(store: CacheTxnStore, name = 'proof'): Promise<void> {
  const guards = [{ name, token: 'prover' }];
  const acquired: AcquireOutcome = await store.acquireLocks(asking([name], 'prover'));
  const committed: CommitOutcome = await store.commit(committing([put(name, 'value')], { guards }));
  const [entry] = await store.readEntries([name]);
  const released = await store.releaseLocks({ names: [name], token: 'prover' });
  const seen = [acquired.kind, committed.kind, entry?.value, released].join();
  if (seen !== 'acquired,committed,value,released') throw new Error(`the store does not work: ${seen}`);
}

/** Every operation of the port, each of which needs a server that answers. */
export function everyOperation(store: CacheTxnStore, name = 'any'): Readonly<Record<string, () => Promise<unknown>>> {
  const request = committing([put(name, 'value')]);
  return {
    acquireLocks: () => store.acquireLocks(asking([name], 'caller')),
    releaseLocks: () => store.releaseLocks({ names: [name], token: 'caller' }),
    forceReleaseLock: () => store.forceReleaseLock(name),
    inspectLock: () => store.inspectLock(name),
    listLocks: async () => {
      const names: string[] = [];
      for await (const { name: held } of store.listLocks('*')) names.push(held);
      return names;
    },
    readEntry: () => store.readEntries([name]),
    readEntries: () => store.readEntries([name, `${name}-2`]),
    commit: () => store.commit(request),
    resolveCommit: () => store.resolveCommit(request),
  };
}

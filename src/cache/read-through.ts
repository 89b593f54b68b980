import { newId } from '../base/random.js';
import type { IntentResolver } from '../commit/recovery/intent-resolver.js';
import type { VersionStrategy } from '../store/entry-operations.js';
import type { LeaseOutcome } from '../store/fill-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentResource } from '../version/resource-call.js';
import { LoadBatch, type LoadMany } from './load-batch.js';
import { NextLoad } from './next-load.js';

/** How long other processes leave a load to the one that began it: then they may fill as well. */
const LEASE_MS = 10_000;

/** An encoded value and the version that it has in the store; 0 where it was not published. Undefined: there is none anywhere. */
export interface Loaded {
  readonly text: string;
  readonly version: number;
}

/** Answers the encoded value, or undefined for nothing to cache. */
type Load = () => Promise<string | undefined>;

/** What a read-through is made of. */
export interface ReadThroughDependencies {
  readonly store: CacheTxnStore;
  readonly resolver: IntentResolver;
  readonly strategy: VersionStrategy;
}

/**
 * Reads outside of transactions that load what the cache has not. A loaded value is published only if nothing has happened to its key
 * since the load began (protocol section 5, I3), and calls of this process share a load only where it cannot be older than what each of
 * them would have loaded itself.
 */
export class ReadThrough {
  /** Loads that are under way, by the token of the lease that they began with. */
  private readonly leased = new Map<string, Promise<Loaded | undefined>>();
  /** Loads of keys that have a prepared write: it may be committed at any moment. */
  private readonly unleased = new NextLoad<Loaded | undefined>();

  constructor(private readonly deps: ReadThroughDependencies) {}

  /**
   * The encoded values that exist, in one round trip where all are there. Those that are missing are loaded by one call of `loadMany`, when the
   * store has told which; also where it cannot tell of some, so that the leases on the others come to their end.
   *
   * @param keys each once
   * @throws StoreUnavailableError, StoreTimeoutError, and what `loadMany` throws
   */
  async get(keys: readonly string[], loadMany: LoadMany, ttlMs: number): Promise<ReadonlyMap<string, string>> {
    const batch = new LoadBatch(keys, loadMany);
    const found = await Promise.all(keys.map((key) => this.find(key, batch, ttlMs)));
    const texts = new Map<string, string>();
    keys.forEach((key, i) => {
      const text = found[i];
      if (text !== undefined) texts.set(key, text);
    });
    return texts;
  }

  private async find(key: string, batch: LoadBatch, ttlMs: number): Promise<string | undefined> {
    const { store } = this.deps;
    const resource = currentResource(store);
    const isResource = resource?.key === key;
    let found: Loaded | undefined | Promise<Loaded | undefined>;
    try {
      const prefetched = isResource ? resource.takePrefetched()?.record : undefined;
      if (prefetched?.value !== undefined) return prefetched.value;
      const token = newId();
      // Before the load: whatever is written after this ends the lease, and the value that was loaded is not published.
      const lease = await store.leaseFill({ key, token, leaseMs: LEASE_MS });
      // At once: others of this process who are told of the lease look for its load.
      found = this.proceed(key, token, lease, () => batch.load(key), ttlMs);
    } finally {
      batch.known();
    }
    const loaded = await found;
    if (isResource && loaded !== undefined) resource.noteLoaded(loaded.version);
    return loaded?.text;
  }

  private proceed(
    key: string,
    token: string,
    lease: LeaseOutcome,
    load: Load,
    ttlMs: number,
  ): Promise<Loaded | undefined> | Loaded {
    switch (lease.kind) {
      case 'hit':
        return lease.value === undefined ? unpublished(load) : { text: lease.value, version: lease.version };
      case 'leased':
        return this.sharing(token, () => this.fill(key, token, load, ttlMs));
      case 'busy':
        // Nothing has been written since the holder asked, so its load finds what one that begins now would find.
        return this.sharing(lease.token, () => unpublished(load));
      case 'intent':
        // Only somebody who has gone is overdue, and then nobody needs to wait for whoever clears up.
        this.deps.resolver.resolve(key, lease.intent).catch(() => undefined);
        return this.unleased.run(key, () => unpublished(load));
    }
  }

  private sharing(token: string, begin: () => Promise<Loaded | undefined>): Promise<Loaded | undefined> {
    const underway = this.leased.get(token);
    if (underway !== undefined) return underway;
    const loading = begin().finally(() => this.leased.delete(token));
    this.leased.set(token, loading);
    return loading;
  }

  private async fill(key: string, token: string, load: Load, ttlMs: number): Promise<Loaded | undefined> {
    const { store, strategy } = this.deps;
    const text = await load();
    if (text === undefined) return undefined;
    const filled = await store.fill({ key, token, value: text, ttlMs, strategy });
    return { text, version: filled.kind === 'filled' ? filled.version : 0 };
  }
}

async function unpublished(load: Load): Promise<Loaded | undefined> {
  const text = await load();
  return text === undefined ? undefined : { text, version: 0 };
}

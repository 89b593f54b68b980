import { type Clock, sleep } from '../base/clock.js';
import type { ErrorSink } from '../base/error-sink.js';
import { isStoreAway } from '../base/errors.js';
import { newId } from '../base/random.js';
import type { IntentResolver } from '../commit/recovery/intent-resolver.js';
import type { VersionStrategy } from '../store/entry-operations.js';
import type { LeaseOutcome } from '../store/fill-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentResource } from '../version/resource-call.js';
import type { ResolvedLoadOptions } from './cache.options.js';
import { LoadBatch, type LoadMany } from './load-batch.js';
import { NextLoad } from './next-load.js';
import { StoreBreaker } from './store-breaker.js';

/** What a load has beside its time-out: until it begins, and until its value has arrived. Then other processes may fill as well. */
const LEASE_MARGIN_MS = 1_000;
/** Between two looks whether another process has filled; each pause is twice as long as the one before. */
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 50;

/** An encoded value and the version that it has in the store; 0 where it was not published. Undefined: there is none anywhere. */
export interface Loaded {
  readonly text: string;
  readonly version: number;
}

/** Answers the encoded value, or undefined for nothing to cache. */
type Load = () => Promise<string | undefined>;

/** A key whose value may have to be loaded. */
interface Asked {
  readonly key: string;
  readonly load: Load;
  readonly options: ResolvedLoadOptions;
  /** How long to wait for others, by the clock. */
  readonly untilMs: number;
}

/** The store does not answer, or is left alone because it did not. */
interface Away {
  readonly kind: 'away';
}

const AWAY: Away = { kind: 'away' };

/** What a read-through is made of. */
export interface ReadThroughDependencies {
  readonly store: CacheTxnStore;
  readonly clock: Clock;
  readonly resolver: IntentResolver;
  readonly strategy: VersionStrategy;
  readonly report: ErrorSink;
}

/**
 * Reads outside of transactions that load what the cache has not. A loaded value is published only if nothing has happened to its key
 * since the load began (protocol section 5, I3). Whoever finds that another call is loading, here or in another process, waits for its value
 * where that cannot be older than what it would load itself.
 */
export class ReadThrough {
  /** Loads that are under way, by the token of the lease that they began with. */
  private readonly leased = new Map<string, Promise<Loaded | undefined>>();
  /** Loads of keys that have a prepared write, or whose store is away: they may be written at any moment. */
  private readonly unleased = new NextLoad<Loaded | undefined>();
  private readonly breaker: StoreBreaker;

  constructor(private readonly deps: ReadThroughDependencies) {
    this.breaker = new StoreBreaker(deps.clock);
  }

  /**
   * The encoded values that exist, in one round trip where all are there. Those that are missing are loaded by one call of `loadMany`, when the
   * store has told which; also where it cannot tell of some, so that the leases on the others come to their end.
   *
   * @param keys each once
   * @throws what `loadMany` throws; StoreUnavailableError, StoreTimeoutError when `options.onStoreError` says so
   */
  async get(
    keys: readonly string[],
    loadMany: LoadMany,
    options: ResolvedLoadOptions,
  ): Promise<ReadonlyMap<string, string>> {
    const batch = new LoadBatch(keys, loadMany);
    const untilMs = this.deps.clock.now() + options.waitMs;
    const found = await Promise.all(
      keys.map((key) => this.find({ key, load: () => batch.load(key), options, untilMs }, batch)),
    );
    const texts = new Map<string, string>();
    keys.forEach((key, i) => {
      const text = found[i];
      if (text !== undefined) texts.set(key, text);
    });
    return texts;
  }

  private async find(asked: Asked, batch: LoadBatch): Promise<string | undefined> {
    const { key } = asked;
    const { store } = this.deps;
    const resource = currentResource(store);
    const isResource = resource?.key === key;
    let found: Loaded | undefined | Promise<Loaded | undefined>;
    try {
      const prefetched = isResource ? resource.takePrefetched()?.record : undefined;
      if (prefetched?.value !== undefined) return prefetched.value;
      const token = newId();
      const lease = await this.lease(asked, token);
      // At once: others of this process who are told of the lease look for its load.
      found = this.proceed(asked, token, lease);
    } finally {
      batch.known();
    }
    const loaded = await found;
    if (isResource && loaded !== undefined) resource.noteLoaded(loaded.version);
    return loaded?.text;
  }

  /** Before the load: whatever is written after this ends the lease, and the value that was loaded is not published. */
  private async lease({ key, options }: Asked, token: string): Promise<LeaseOutcome | Away> {
    const request = { key, token, leaseMs: options.timeoutMs + LEASE_MARGIN_MS };
    if (options.onStoreError === 'throw') return this.deps.store.leaseFill(request);
    if (!this.breaker.asks()) return AWAY;
    try {
      const outcome = await this.deps.store.leaseFill(request);
      this.breaker.answered();
      return outcome;
    } catch (error) {
      this.noteAway(error, key);
      return AWAY;
    }
  }

  /** @throws the error, unless it says that the store is away */
  private noteAway(error: unknown, key: string): void {
    if (!isStoreAway(error)) throw error;
    if (this.breaker.failed()) this.deps.report(error, { during: 'cache read', details: { key } });
  }

  private proceed(asked: Asked, token: string, lease: LeaseOutcome | Away): Promise<Loaded | undefined> | Loaded {
    const { key, load } = asked;
    switch (lease.kind) {
      case 'hit':
        return lease.value === undefined ? unpublished(load) : { text: lease.value, version: lease.version };
      case 'leased':
        return this.sharing(token, () => this.fill(asked, token));
      case 'busy':
        // Nothing has been written since the holder asked, so its load finds what one that begins now would find.
        return this.sharing(lease.token, () => this.waitFor(asked, lease));
      case 'intent':
        // Only somebody who has gone is overdue, and then nobody needs to wait for whoever clears up.
        this.deps.resolver.resolve(key, lease.intent).catch(() => undefined);
        return this.unleased.run(key, () => unpublished(load));
      case 'away':
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

  /**
   * Looks again and again whether the holder of a lease in another process has filled. When it has failed, or its time is over, one of those that
   * wait has the next lease.
   */
  private async waitFor(asked: Asked, lease: LeaseOutcome & { kind: 'busy' }): Promise<Loaded | undefined> {
    const { clock } = this.deps;
    let leftMs = asked.untilMs - clock.now();
    for (let pauseMs = FIRST_PAUSE_MS; leftMs > 0; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      await sleep(clock, Math.min(pauseMs, leftMs));
      // A new one: a request that arrives late must not renew a lease that a write has ended.
      const token = newId();
      const next = await this.lease(asked, token);
      if (next.kind !== 'busy' || next.token !== lease.token) return this.proceed(asked, token, next);
      leftMs = asked.untilMs - clock.now();
    }
    return unpublished(asked.load);
  }

  private async fill({ key, load, options }: Asked, token: string): Promise<Loaded | undefined> {
    const { store, strategy } = this.deps;
    const { onStoreError, ttlMs } = options;
    let text: string | undefined;
    try {
      text = await load();
    } finally {
      // Nobody waits for that: if it does not arrive, the lease ends by itself.
      if (text === undefined) store.fill({ key, token, value: undefined, ttlMs, strategy }).catch(() => undefined);
    }
    if (text === undefined) return undefined;
    try {
      const filled = await store.fill({ key, token, value: text, ttlMs, strategy });
      return { text, version: filled.kind === 'filled' ? filled.version : 0 };
    } catch (error) {
      if (onStoreError === 'throw') throw error;
      this.noteAway(error, key);
      return { text, version: 0 };
    }
  }
}

async function unpublished(load: Load): Promise<Loaded | undefined> {
  const text = await load();
  return text === undefined ? undefined : { text, version: 0 };
}

import { callScope, ScopeKey } from '../base/async-scope.js';
import { type Clock, sleep } from '../base/clock.js';
import { isStoreAway, TransactionAbortedError } from '../base/errors.js';
import { inTime } from '../base/in-time.js';
import { newId } from '../base/random.js';
import type { IntentResolver } from '../commit/recovery/intent-resolver.js';
import type { LeaseOutcome } from '../store/fill-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentResource } from '../version/resource-call.js';
import type { ResolvedLoadOptions } from './cache.options.js';
import { type Away, type FillLeaseDependencies, FillLeases } from './fill-leases.js';
import { LoadBatch, type LoadMany } from './load-batch.js';
import { NextLoad } from './next-load.js';

/** Between two looks whether another process has filled; each pause is twice as long as the one before. */
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 50;

/** An encoded value and the version that it has in the store; 0 where it was not published. Undefined: there is none anywhere. */
export interface Loaded {
  readonly text: string;
  readonly version: number;
}

type Loading = Promise<Loaded | undefined>;

/** A key whose value may have to be loaded. */
interface Asked {
  readonly key: string;
  /** Answers the encoded value, or undefined for nothing to cache. */
  readonly load: () => Promise<string | undefined>;
  readonly options: ResolvedLoadOptions;
  /** How long to wait for others, by the clock. */
  readonly untilMs: number;
}

const STILL_LOADING = new Error('another call is still loading');
const NEVER_OWN = { hasBegun: false };

/** What a read-through is made of. */
export interface ReadThroughDependencies extends FillLeaseDependencies {
  readonly resolver: IntentResolver;
}

/**
 * Reads outside of transactions that load what the cache has not. A loaded value is published only if nothing has happened to its key
 * since the load began (protocol section 5, I3). Whoever finds that another call is loading, here or in another process, waits for its value
 * where that cannot be older than what it would load itself.
 */
export class ReadThrough {
  private readonly store: CacheTxnStore;
  private readonly clock: Clock;
  private readonly resolver: IntentResolver;
  private readonly leases: FillLeases;
  /** Loads that are under way, by the token of the lease that they began with. */
  private readonly leased = new Map<string, Loading>();
  /** Loads of keys that have a prepared write, or whose store is away: they may be written at any moment. */
  private readonly unleased = new NextLoad<Loaded | undefined>();
  /** The keys whose loaders the present call is inside of. */
  private readonly inside = new ScopeKey<ReadonlySet<string>>('keys being loaded');

  constructor(deps: ReadThroughDependencies) {
    this.store = deps.store;
    this.clock = deps.clock;
    this.resolver = deps.resolver;
    this.leases = new FillLeases(deps);
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
    const batch = new LoadBatch(keys, (missing) =>
      callScope.run(this.inside, new Set([...(callScope.get(this.inside) ?? []), ...missing]), () => loadMany(missing)),
    );
    const untilMs = this.clock.now() + options.waitMs;
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
    const resource = currentResource(this.store);
    const isResource = resource?.key === asked.key;
    let found: Loaded | undefined | Loading;
    try {
      const prefetched = isResource ? resource.takePrefetched()?.record : undefined;
      if (prefetched?.value !== undefined) return prefetched.value;
      const token = newId();
      const lease = await this.leases.ask(asked.key, token, asked.options);
      // At once: others of this process who are told of the lease look for its load.
      found = this.proceed(asked, token, lease);
    } finally {
      batch.known();
    }
    const loaded = await found;
    if (isResource && loaded !== undefined) resource.noteLoaded(loaded.version);
    return loaded?.text;
  }

  private proceed(asked: Asked, token: string, lease: LeaseOutcome | Away): Loading | Loaded {
    switch (lease.kind) {
      case 'hit':
        return lease.value === undefined ? unpublished(asked) : { text: lease.value, version: lease.version };
      case 'leased':
        return this.begin(token, this.fill(asked, token));
      case 'busy':
        // Nothing has been written since the holder asked, so its load finds what one that begins now would find.
        return this.mayWait(asked) ? this.another(asked, lease) : unpublished(asked);
      case 'intent':
        // Only somebody who has gone is overdue, and then nobody needs to wait for whoever clears up.
        this.resolver.resolve(asked.key, lease.intent).catch(() => undefined);
        return this.mayWait(asked) ? this.nextTurn(asked) : unpublished(asked);
      case 'away':
        return this.mayWait(asked) ? this.nextTurn(asked) : unpublished(asked);
    }
  }

  /** The loader of a key that reads the key would wait for itself. */
  private mayWait({ key, options }: Asked): boolean {
    return options.waitMs > 0 && callScope.get(this.inside)?.has(key) !== true;
  }

  /** Lets others of this process find the load by its token. */
  private begin(token: string, load: Loading): Loading {
    const loading = load.finally(() => this.leased.delete(token));
    this.leased.set(token, loading);
    return loading;
  }

  /** The load of whoever holds the lease, here or in another process. */
  private another(asked: Asked, lease: LeaseOutcome & { kind: 'busy' }): Loading {
    const underway = this.leased.get(lease.token);
    return underway === undefined
      ? this.begin(lease.token, this.waitFor(asked, lease.token))
      : this.joined(asked, underway, NEVER_OWN);
  }

  /** A load that has not begun yet, by this call or by another that asks at the same time. */
  private nextTurn(asked: Asked): Loading {
    const own = { hasBegun: false };
    const turn = this.unleased.run(asked.key, () => {
      own.hasBegun = true;
      return unpublished(asked);
    });
    return own.hasBegun ? turn : this.joined(asked, turn, own);
  }

  /**
   * What another call loads. After its wait the caller loads as well; and it asks again when that call was given up, because its client has left,
   * or was to throw while the store is away.
   *
   * @param own tells when the load that it waits for has become its own
   */
  private async joined(
    asked: Asked,
    underway: Loading,
    own: { readonly hasBegun: boolean },
  ): Promise<Loaded | undefined> {
    try {
      return await inTime(this.clock, asked.untilMs - this.clock.now(), underway, () => STILL_LOADING);
    } catch (error) {
      if (error === STILL_LOADING) return own.hasBegun ? underway : unpublished(asked);
      const isTheirs = isGivenUp(error) || (isStoreAway(error) && asked.options.onStoreError === 'load');
      if (own.hasBegun || !isTheirs) throw error;
    }
    const token = newId();
    return this.proceed(asked, token, await this.leases.ask(asked.key, token, asked.options));
  }

  /**
   * Looks again and again whether the holder of a lease in another process has filled. When it has failed, or its time is over, one of those that
   * wait has the next lease.
   */
  private async waitFor(asked: Asked, holder: string): Promise<Loaded | undefined> {
    let leftMs = asked.untilMs - this.clock.now();
    for (let pauseMs = FIRST_PAUSE_MS; leftMs > 0; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      await sleep(this.clock, Math.min(pauseMs, leftMs));
      // A new one: a request that arrives late must not renew a lease that a write has ended.
      const token = newId();
      const lease = await this.leases.ask(asked.key, token, asked.options);
      if (lease.kind !== 'busy' || lease.token !== holder) return this.proceed(asked, token, lease);
      leftMs = asked.untilMs - this.clock.now();
    }
    return unpublished(asked);
  }

  private async fill({ key, load, options }: Asked, token: string): Promise<Loaded | undefined> {
    let text: string | undefined;
    try {
      text = await load();
    } finally {
      if (text === undefined) this.leases.giveBack(key, token);
    }
    return text === undefined ? undefined : { text, version: await this.leases.publish(key, token, text, options) };
  }
}

async function unpublished({ load }: Asked): Promise<Loaded | undefined> {
  const text = await load();
  return text === undefined ? undefined : { text, version: 0 };
}

/** Whether a load ended because of the call that it belonged to, and not because of what it asked. */
function isGivenUp(error: unknown): boolean {
  return (
    error instanceof TransactionAbortedError || (error as { readonly name?: unknown } | null)?.name === 'AbortError'
  );
}

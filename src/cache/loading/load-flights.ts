import { callScope, ScopeKey } from '../../base/async-scope.js';
import type { Clock } from '../../base/clock.js';
import { isStoreAway, LimitExceededError, TransactionAbortedError } from '../../base/errors.js';
import { inTime } from '../../base/in-time.js';
import { newId } from '../../base/random.js';
import type { IntentResolver } from '../../commit/recovery/intent-resolver.js';
import type { LeaseOutcome } from '../../store/fill-operations.js';
import type { ResolvedLoadOptions } from '../cache.options.js';
import type { Away, FillLeases, LeaseQuestion } from './fill-leases.js';
import type { LeaseWait, LeaseWaits } from './lease-waits.js';
import type { Loadable } from './load-batch.js';
import type { LoadSource } from './load-report.js';
import { NextLoad } from './next-load.js';
import { mayReplace } from '../floors.js';
import { type StoredValue, type ValueNotes, writeStored } from '../stored-value.js';
import { notedVersions, type TagVersionMap } from '../tags/tag-versions.js';

/** Between two looks whether another process has filled, where the store does not tell; each pause is twice as long as the one before. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 250;

/** A value, and the version that it has in the store; 0 where it was not published. */
export interface Loaded {
  readonly stored: StoredValue;
  readonly version: number;
  readonly source: LoadSource;
  /** For how long it has been there, where that is known. */
  readonly ageMs?: number;
  /** For how long it is fresh, where that is known. */
  readonly freshMs?: number;
}

/** Undefined: there is no value anywhere. */
export type Loading = Promise<Loaded | undefined>;

/** The store has a value. */
export type Hit = LeaseOutcome & { readonly kind: 'hit' };

/** A key whose value is not there, or does not do. */
export interface Missing {
  readonly key: string;
  /** Answers the encoded value, or undefined for nothing to cache. */
  readonly load: () => Promise<Loadable | undefined>;
  readonly options: ResolvedLoadOptions;
  /** How long to wait for others, by the clock. */
  readonly untilMs: number;
  /** Aborts when the call is given up: then it waits for no others. */
  readonly signal: AbortSignal | undefined;
  /** The versions of its tags from before the load. */
  readonly tagVersions: TagVersionMap;
  /** The version that is there. */
  readonly replaces?: number | undefined;
  /** The notes of that one. */
  readonly replaced?: ValueNotes | undefined;
}

/** Loaders inside of each other. One that reads what its own reader loads would go on for ever, longer than anybody waits. */
const MOST_NESTED = 64;

const STILL_LOADING = new Error('another call is still loading');
const NEVER_OWN = { hasBegun: false };

/** What flights are made of. */
export interface LoadFlightsDependencies<T extends Missing> {
  readonly clock: Clock;
  readonly resolver: IntentResolver;
  readonly leases: FillLeases;
  readonly waits: LeaseWaits;
  /** Says what becomes of a value that is there after all. */
  readonly onHit: (missing: T, hit: Hit) => Loading;
  /** Whether what was loaded under those versions of tags is still what a load of `missing` would find. */
  readonly areCurrent: (missing: T, noted: Readonly<Record<string, number>>) => Promise<boolean>;
}

/** A load under way, and the versions of its tags from before it began; no tags: undefined. */
interface Flight {
  readonly loading: Loading;
  readonly tags: Readonly<Record<string, number>> | undefined;
}

/**
 * Loads that are under way. Whoever finds that another call is loading, here or in another process, waits for its value where that cannot be older
 * than what it would load itself.
 */
export class LoadFlights<T extends Missing> {
  /** By the token of the lease that they began with. */
  private readonly leased = new Map<string, Flight>();
  /** Loads of keys that have a prepared write, or whose store is away: they may be written at any moment. */
  private readonly unleased = new NextLoad<Loaded | undefined>();
  /** The keys whose loaders the present call is inside of, and how many loaders those are. */
  private readonly inside = new ScopeKey<{ readonly keys: ReadonlySet<string>; readonly depth: number }>('loads');

  constructor(private readonly deps: LoadFlightsDependencies<T>) {}

  /**
   * Runs the loader of the keys.
   * @throws LimitExceededError `LIMIT_EXCEEDED` inside of 64 others
   */
  async runLoader<R>(keys: readonly string[], loader: () => Promise<R>): Promise<R> {
    const { keys: outer = [], depth = 0 } = callScope.get(this.inside) ?? {};
    if (depth >= MOST_NESTED) {
      throw new LimitExceededError(
        `the loader of ${keys[0] ?? ''} is inside of ${depth} others: does it read what is loaded with it?`,
        { details: { key: keys[0], limit: MOST_NESTED } },
      );
    }
    return callScope.run(this.inside, { keys: new Set([...outer, ...keys]), depth: depth + 1 }, loader);
  }

  /** Loads, or joins a load, as the lease says. */
  proceed(missing: T, token: string, lease: LeaseOutcome | Away): Loading {
    switch (lease.kind) {
      case 'hit':
        return this.deps.onHit(missing, lease);
      case 'leased':
        return this.fill(missing, token);
      case 'busy':
        // Nothing has been written since the holder asked, so its load finds what one that begins now would find.
        return this.mayWait(missing) ? this.another(missing, lease) : unpublished(missing, 'miss');
      case 'intent':
        // Only somebody who has gone is overdue, and then nobody needs to wait for whoever clears up.
        this.deps.resolver.resolve(missing.key, lease.intent).catch(() => undefined);
        return this.mayWait(missing) ? this.nextTurn(missing, 'miss') : unpublished(missing, 'miss');
      case 'away':
        return this.mayWait(missing) ? this.nextTurn(missing, 'bypass') : unpublished(missing, 'bypass');
    }
  }

  /** Loads with the lease. At once: others of this process who are told of it look for the load by its token. */
  fill(missing: T, token: string): Loading {
    return this.begin(missing, token, this.loadAndPublish(missing, token));
  }

  /** What is asked for to have the lease of the key. */
  question({ key, replaces }: Pick<Missing, 'key' | 'replaces'>, withTimes = false): LeaseQuestion {
    // A new one each time: a request that arrives late must not renew a lease that a write has ended.
    return { key, token: newId(), replaces, withTimes };
  }

  /** The loader of a key that reads the key would wait for itself. */
  private mayWait({ key, options }: Missing): boolean {
    return options.waitMs > 0 && callScope.get(this.inside)?.keys.has(key) !== true;
  }

  private begin(missing: T, token: string, load: Loading): Loading {
    const { options, tagVersions } = missing;
    const loading = shared(missing, load).finally(() => this.leased.delete(token));
    const tags = options.tags.map((tag) => [tag, tagVersions.get(tag) ?? 0] as const);
    this.leased.set(token, { loading, tags: tags.length === 0 ? undefined : Object.fromEntries(tags) });
    return owned(missing, loading);
  }

  /** The load of whoever holds the lease, here or in another process. */
  private another(missing: T, lease: LeaseOutcome & { kind: 'busy' }): Loading {
    const underway = this.leased.get(lease.token);
    if (underway !== undefined) return this.joined(missing, underway, NEVER_OWN);
    const end = this.deps.waits.enter(lease.token);
    return this.begin(missing, lease.token, this.waitFor(missing, lease.token, end).finally(end.leave));
  }

  /** A load that has not begun yet, by this call or by another that asks at the same time. */
  private nextTurn(missing: T, source: LoadSource): Loading {
    const own = { hasBegun: false };
    const turn = this.unleased.run(missing.key, () => {
      own.hasBegun = true;
      return shared(missing, unpublished(missing, source));
    });
    return owned(missing, own.hasBegun ? turn : this.joined(missing, { loading: turn, tags: undefined }, own));
  }

  /**
   * What another call loads. After its wait the caller loads as well; and it asks again when that call was given up, because its client has left,
   * or was to throw while the store is away, and when a tag of the load was invalidated before the caller came, which ends no lease.
   *
   * @param own tells when the load that it waits for has become its own
   */
  private async joined(missing: T, { loading, tags }: Flight, own: { readonly hasBegun: boolean }): Loading {
    try {
      const loaded = await inTime(this.deps.clock, this.leftMs(missing), loading, () => STILL_LOADING);
      if (tags === undefined || (await this.deps.areCurrent(missing, tags))) return loaded;
    } catch (error) {
      if (error === STILL_LOADING) return own.hasBegun ? loading : unpublished(missing, 'miss');
      const isTheirs = isGivenUp(error) || (isStoreAway(error) && missing.options.onStoreError === 'load');
      if (own.hasBegun || !isTheirs) throw error;
      missing.signal?.throwIfAborted();
    }
    const question = this.question(missing);
    return this.proceed(missing, question.token, await this.deps.leases.ask(question, missing.options));
  }

  /**
   * Asks at once to be told when the lease that another process holds has ended, and again when that is told, when its time is over, and in between, because a
   * message may get lost. When the holder has failed, or its time is over, one of those that wait has the next lease.
   *
   * @throws the reason of the signal when the call is given up; then another one that waits with it asks
   */
  private async waitFor(missing: T, holder: string, end: LeaseWait): Loading {
    const { options, signal } = missing;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      signal?.throwIfAborted();
      const question = { ...this.question(missing), tellsEnd: true };
      const lease = await this.deps.leases.ask(question, options);
      if (lease.kind !== 'busy' || lease.token !== holder) return this.proceed(missing, question.token, lease);
      const leftMs = this.leftMs(missing);
      if (leftMs <= 0) return unpublished(missing, 'miss');
      await end.pause(Math.min(pauseMs, leftMs, lease.remainingMs), signal);
    }
  }

  private leftMs({ untilMs }: Missing): number {
    return untilMs - this.deps.clock.now();
  }

  private async loadAndPublish(missing: T, token: string): Loading {
    const { key, options, replaced, replaces, tagVersions } = missing;
    const { leases } = this.deps;
    let loaded: Loadable | undefined;
    try {
      loaded = await missing.load();
    } finally {
      if (loaded === undefined) leases.giveBack(key, token);
    }
    if (loaded === undefined) {
      if (replaces !== undefined) leases.remove(key, replaces, replaced);
      return undefined;
    }
    const { stored, ttlMs, freshMs } = loaded;
    const tags = notedVersions(options.tags, tagVersions);
    if (tags === undefined || !mayReplace(stored.notes, replaced)) {
      leases.giveBack(key, token);
      if (stored.notes.none && replaces !== undefined) leases.remove(key, replaces, replaced);
      return { stored, version: 0, source: 'miss' };
    }
    const tagged = options.tags.length === 0 ? stored : { ...stored, notes: { ...stored.notes, tags } };
    return {
      stored: tagged,
      version: await leases.publish({ key, token }, { value: writeStored(tagged), ttlMs, freshMs }, options),
      source: 'miss',
      freshMs: freshMs || ttlMs || Number.POSITIVE_INFINITY,
    };
  }
}

async function unpublished({ load }: Missing, source: LoadSource): Loading {
  const loaded = await load();
  return loaded && { stored: loaded.stored, version: 0, source };
}

/** A load for all who share it: they are not given up with the call that it belongs to, whatever its method throws then. */
async function shared({ signal }: Missing, load: Loading): Loading {
  try {
    return await load;
  } catch (error) {
    throw signal?.aborted ? new DOMException('the call that loads was given up', 'AbortError') : error;
  }
}

/** The same for the call that it belongs to. */
async function owned({ signal }: Missing, load: Loading): Loading {
  try {
    return await load;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Whether a load ended because of the call that it belonged to, and not because of what it asked. */
function isGivenUp(error: unknown): boolean {
  return (
    error instanceof TransactionAbortedError || (error as { readonly name?: unknown } | null)?.name === 'AbortError'
  );
}

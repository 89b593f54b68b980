import { unlessAborted } from '../../base/abort.js';
import { callScope, ScopeKey } from '../../base/async-scope.js';
import type { Clock } from '../../base/clock.js';
import { isStoreAway, LimitExceededError } from '../../base/errors.js';
import { inTime } from '../../base/in-time.js';
import { newId } from '../../base/random.js';
import type { IntentResolver } from '../../commit/recovery/intent-resolver.js';
import type { LeaseOutcome } from '../../store/fill-operations.js';
import type { Away, FillLeases, LeaseQuestion } from './fill-leases.js';
import type { LeaseWait, LeaseWaits } from './lease-waits.js';
import type { Loadable } from './load-batch.js';
import type { LoadSource } from './load-report.js';
import { type Hit, type Loaded, type Loading, type Missing, unpublished } from './missing.js';
import { NextLoad } from './next-load.js';
import { isGivenUp, owned, shared } from './shared-load.js';
import { mayReplace } from '../floors.js';
import { writeStored } from '../stored-value.js';
import { notedVersions } from '../tags/tag-versions.js';

/** Between two looks whether another process has filled, where the store does not tell; each pause is twice as long as the one before. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 250;

/** What comes of a flight. What the store has is worth to each who shares it what its own options say. */
type Landing = Promise<Loaded | Hit | undefined>;

/** Loaders inside of each other. One that reads what its own reader loads would go on for ever, longer than anybody waits. */
const MOST_NESTED = 64;

/** Whose wait is over loads for itself: that is nothing that others share. */
const STILL_LOADING = new Error('another call is still loading');

/** The other has waited for long enough, and the caller has not. A loop, because frames that wait for each other would stay until the last call ends. */
const AGAIN = Symbol('again');

/** The part of one call in a flight. */
interface Part {
  /** The load is its own. */
  hasBegun: boolean;
  /** It waits no longer. */
  hasLeft: boolean;
}

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
  readonly landing: Landing;
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

  /** Loads, or joins a load, as the lease says. After its wait the call loads by itself as well. */
  async proceed(missing: T, token: string, lease: LeaseOutcome | Away): Loading {
    let landed: Awaited<Landing>;
    try {
      landed = await this.step(missing, token, lease);
    } catch (error) {
      if (error !== STILL_LOADING) throw error;
      return unpublished(missing, 'miss');
    }
    return landed !== undefined && 'kind' in landed ? this.deps.onHit(missing, landed) : landed;
  }

  /** The same, for others to share. @throws STILL_LOADING when the wait is over */
  private step(missing: T, token: string, lease: LeaseOutcome | Away): Landing {
    switch (lease.kind) {
      case 'hit':
        return Promise.resolve(lease);
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

  private begin<L extends Loaded | Hit | undefined>(missing: T, token: string, load: Promise<L>): Promise<L> {
    const { options, tagVersions } = missing;
    const tags = options.tags.map((tag) => [tag, tagVersions.get(tag) ?? 0] as const);
    const landing = shared(missing, load).finally(() => {
      // Another one may have begun with this token, as one that has other tags and is early to hear of the lease.
      if (this.leased.get(token) === flight) this.leased.delete(token);
    });
    const flight: Flight = { landing, tags: tags.length === 0 ? undefined : Object.fromEntries(tags) };
    this.leased.set(token, flight);
    return owned(missing, landing);
  }

  /** The load of whoever holds the lease, here or in another process. */
  private async another(missing: T, lease: LeaseOutcome & { kind: 'busy' }): Landing {
    for (;;) {
      const underway = this.leased.get(lease.token);
      if (underway === undefined) break;
      const landed = await this.joined(missing, underway, { hasBegun: false, hasLeft: false });
      if (landed !== AGAIN) return landed;
    }
    const end = this.deps.waits.enter(lease.token);
    return this.begin(missing, lease.token, this.waitFor(missing, lease.token, end).finally(end.leave));
  }

  /** A load that has not begun yet, by this call or by another that asks at the same time. */
  private async nextTurn(missing: T, source: LoadSource): Landing {
    for (;;) {
      const part: Part = { hasBegun: false, hasLeft: false };
      const turn = this.unleased.run(missing.key, () => {
        // Nobody needs it any longer but those who came to share it, and they go on to the next.
        if (part.hasLeft) return Promise.reject(STILL_LOADING);
        part.hasBegun = true;
        return shared(missing, unpublished(missing, source));
      });
      if (part.hasBegun) return owned(missing, turn);
      const landed = await owned(missing, this.joined(missing, { landing: turn, tags: undefined }, part));
      if (landed !== AGAIN) return landed;
    }
  }

  /**
   * What another call loads, until the caller's wait is over, or it is given up. It asks again when that call was given up, because its client has left, or was
   * to throw while the store is away, and when a tag of the load was invalidated before the caller came, which ends no lease.
   *
   * When the other has waited for long enough nobody asks: the one of all who wait that is next does.
   *
   * @throws STILL_LOADING when the wait is over; the reason of the signal when the call is given up
   */
  private async joined(missing: T, { landing, tags }: Flight, part: Part): Promise<Awaited<Landing> | typeof AGAIN> {
    const { options, signal } = missing;
    // A timer may be early by a part of a millisecond, so the clock does not tell whose wait is over.
    let isOver = false;
    const end = (): Error => {
      isOver = true;
      return STILL_LOADING;
    };
    try {
      const inItsTime = inTime(this.deps.clock, this.leftMs(missing), landing, end);
      const landed = await (signal ? unlessAborted(signal, inItsTime) : inItsTime);
      if (tags === undefined || (await this.deps.areCurrent(missing, tags))) return landed;
    } catch (error) {
      if (part.hasBegun) return landing;
      isOver ||= error === STILL_LOADING && this.leftMs(missing) <= 0;
      part.hasLeft = isOver || signal?.aborted === true;
      signal?.throwIfAborted();
      if (isOver) throw STILL_LOADING;
      if (error === STILL_LOADING) return AGAIN;
      const mayDoWithout = isStoreAway(error) && options.onStoreError === 'load';
      if (!isGivenUp(error) && !mayDoWithout) throw error;
    }
    const question = this.question(missing);
    return this.step(missing, question.token, await this.deps.leases.ask(question, options));
  }

  /**
   * Asks at once to be told when the lease that another process holds has ended, and again when that is told, when its time is over, and in between, because a
   * message may get lost. When the holder has failed, or its time is over, one of those that wait has the next lease.
   *
   * @throws STILL_LOADING when the wait is over, the reason of the signal when the call is given up; then another one that waits with it asks
   */
  private async waitFor(missing: T, holder: string, end: LeaseWait): Landing {
    const { options, signal } = missing;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      signal?.throwIfAborted();
      const question = { ...this.question(missing), tellsEnd: true };
      const lease = await this.deps.leases.ask(question, options);
      if (lease.kind !== 'busy' || lease.token !== holder) return this.step(missing, question.token, lease);
      const leftMs = this.leftMs(missing);
      if (leftMs <= 0) throw STILL_LOADING;
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

import { callScope } from '../../base/async-scope.js';
import type { Random } from '../../base/random.js';
import type { IntentResolver } from '../../commit/recovery/intent-resolver.js';
import type { EntryCopies } from '../../store/entry-copies.js';
import type { LeaseOutcome } from '../../store/fill-operations.js';
import { currentResource } from '../../version/resource-call.js';
import type { ResolvedLoadOptions } from '../cache.options.js';
import { AWAY, type Away, type FillLeaseDependencies, FillLeases } from './fill-leases.js';
import { freshnessOf } from './freshness.js';
import { LeaseWaits } from './lease-waits.js';
import { LoadBatch, type LoadMany } from './load-batch.js';
import { LoadFlights } from './load-flights.js';
import { reportOf } from './load-report.js';
import { type KnownTags, LoadTags } from './load-tags.js';
import type { Hit, Loaded, Loading } from './missing.js';
import { type Renewable, Renewals } from './renewals.js';
import { together } from './together.js';
import { waitingCall } from './waiting-call.js';
import { readStored, writeStored } from '../stored-value.js';
import { NO_TAGS, type TagVersions } from '../tags/tag-versions.js';

/** Newer versions met on one key in one read, all to be replaced, before it loads without caching. */
const MOST_ROUNDS = 8;

/** What a read-through is made of. */
export interface ReadThroughDependencies extends FillLeaseDependencies {
  readonly resolver: IntentResolver;
  readonly random: Random;
  readonly tags: Pick<TagVersions, 'present' | 'ensure'>;
  /** Copies of entries in this process. */
  readonly copies?: EntryCopies | undefined;
}

/** What is read, and how what is missing is loaded. */
export interface ReadThroughRequest {
  /** Each once. */
  readonly keys: readonly string[];
  readonly load: LoadMany;
  readonly options: ResolvedLoadOptions;
  /** Values that do not do. */
  readonly replaces?: ReadonlyMap<string, Pick<Loaded, 'stored' | 'version'>>;
  /** What the store has said of the one key already. */
  readonly first?: FirstAnswer;
}

/** The answer to the first question about a key. */
export interface FirstAnswer {
  readonly token: string;
  readonly lease: LeaseOutcome | Away;
}

/** A key that is read. */
interface Asked extends Renewable {
  readonly round: number;
  readonly first?: FirstAnswer | undefined;
}

/** A value or its load, which has begun; and its renewal, which begins when that resolves. */
interface Answer {
  readonly found: Loading | Loaded;
  readonly renewal?: Promise<void>;
}

/**
 * Reads outside of transactions that load what the cache has not, or what is not to be given any longer. A loaded value is published only if nothing
 * has happened to its key since the load began (protocol section 5, I3).
 */
export class ReadThrough {
  private readonly leases: FillLeases;
  private readonly flights: LoadFlights<Asked>;
  private readonly renewals: Renewals<Asked>;
  private readonly tags: LoadTags;

  constructor(private readonly deps: ReadThroughDependencies) {
    const { clock, report, resolver } = deps;
    this.leases = new FillLeases(deps);
    const onHit = async (asked: Asked, hit: Hit): Loading => (await this.judge(asked, hit)).found;
    const areCurrent = ({ options, tagVersions }: Asked, noted: Readonly<Record<string, number>>): Promise<boolean> =>
      this.tags.areCurrent(noted, tagVersions, options);
    this.flights = new LoadFlights({
      clock,
      resolver,
      leases: this.leases,
      waits: new LeaseWaits(deps.store, clock),
      onHit,
      areCurrent,
    });
    this.renewals = new Renewals({ clock, report, leases: this.leases, flights: this.flights });
    this.tags = new LoadTags(deps.tags, clock);
  }

  /**
   * Asks about one key of which nothing but its value matters. Whatever comes, {@link get} goes on from there, in the same turn: the lease may have to be
   * used, or given back. Undefined where there is more to it: tags, times, copies, and a call that shows the version.
   *
   * A hit is what a cache is there for, and all that {@link get} prepares for a miss takes longer than the answer of the store [measured: 23 promises
   * against 9].
   */
  first(key: string, options: ResolvedLoadOptions): Promise<FirstAnswer> | undefined {
    const { copies, store } = this.deps;
    if (copies !== undefined || options.tags.length > 0 || isTimed(options) || reportOf(key) !== undefined)
      return undefined;
    if (currentResource(store)?.key === key) return undefined;
    const question = this.flights.question({ key });
    const { token } = question;
    return this.leases.ask(question, options).then((lease) => ({ token, lease }));
  }

  /**
   * What is there, by key, in one round trip where all does. What is missing is loaded by one call of `load`, when the store has told
   * which; also where it cannot tell of some, so that the leases on the others come to their end.
   *
   * @throws what `load` throws; StoreUnavailableError, StoreTimeoutError when `options.onStoreError` says so
   */
  async get({ keys, load, options, replaces, first }: ReadThroughRequest): Promise<ReadonlyMap<string, Loaded>> {
    const run: LoadMany = (missing) => this.flights.runLoader(missing, () => load(missing));
    const batch = new LoadBatch(keys, run);
    const behind = new LoadBatch(keys, (missing) => callScope.runOutside(() => run(missing)));
    const untilMs = this.deps.clock.now() + options.waitMs;
    const tags = keys.length === 0 ? undefined : this.tags.named(options);
    const found = await together(keys, callScope.get(waitingCall)?.signal, (key, signal) => {
      const asked: Asked = {
        key,
        load: () => batch.load(key),
        behind,
        options,
        untilMs,
        signal,
        tagVersions: NO_TAGS,
        replaces: replaces?.get(key)?.version,
        replaced: replaces?.get(key)?.stored.notes,
        round: 0,
        first,
      };
      return this.findAndKeep(asked, batch, tags);
    });
    const values = new Map<string, Loaded>();
    keys.forEach((key, i) => {
      const value = found[i];
      if (value !== undefined) values.set(key, value);
    });
    return values;
  }

  private async findAndKeep(asked: Asked, batch: LoadBatch, tags: Promise<KnownTags> | undefined): Loading {
    const { copies } = this.deps;
    if (copies === undefined) return this.find(asked, batch, tags);
    const reading = copies.beginReading([asked.key]);
    try {
      const loaded = await this.find(asked, batch, tags);
      if (loaded !== undefined && loaded.version > 0) {
        const { stored, version, freshMs = 0 } = loaded;
        const record = { value: writeStored(stored), version };
        copies.keep(reading, asked.key, record, freshMs - asked.options.refreshAheadMs);
      }
      return loaded;
    } finally {
      copies.endReading(reading);
    }
  }

  private async find(asked: Asked, batch: LoadBatch, tags: Promise<KnownTags> | undefined): Loading {
    const { key } = asked;
    const resource = currentResource(this.deps.store);
    const isResource = resource?.key === key;
    const known = (): void => {
      asked.behind.known();
    };
    let answer: Answer | undefined;
    try {
      // What was read before does not tell its times, and whoever reads later must not see it either.
      if (isResource) resource.takePrefetched();
      answer = await this.ask(asked, tags);
    } finally {
      batch.known();
      if (answer?.renewal === undefined) known();
      else answer.renewal.then(known, known);
    }
    const loaded = await answer.found;
    if (isResource && loaded !== undefined) resource.noteLoaded(loaded.version);
    const report = reportOf(key);
    if (report !== undefined) Object.assign(report, { source: loaded?.source ?? 'miss', ageMs: loaded?.ageMs });
    return loaded;
  }

  /** The value where it does, else a load of it, which has begun. */
  private async ask(asked: Asked, tags?: Promise<KnownTags>): Promise<Answer> {
    const { first, key, options } = asked;
    if (first !== undefined) return this.settle({ ...asked, first: undefined }, first.token, first.lease);
    const withTimes = isTimed(options) || this.deps.copies !== undefined || reportOf(key) !== undefined;
    const question = this.flights.question(asked, withTimes);
    const lease = await this.leases.ask(question, options);
    // Then it does not wait for the tags either.
    if (tags === undefined || lease.kind === 'away') return this.settle(asked, question.token, lease);
    let tagVersions: KnownTags;
    try {
      tagVersions = await tags;
    } finally {
      if (tagVersions === undefined && lease.kind === 'leased') this.leases.giveBack(key, question.token);
    }
    if (tagVersions !== undefined) return this.settle({ ...asked, tagVersions }, question.token, lease);
    return { found: this.flights.proceed(asked, question.token, AWAY) };
  }

  private settle(asked: Asked, token: string, lease: Awaited<ReturnType<FillLeases['ask']>>): Answer | Promise<Answer> {
    return lease.kind === 'hit' ? this.judge(asked, lease) : { found: this.flights.proceed(asked, token, lease) };
  }

  /** Gives a value that is there, or loads it anew. */
  private async judge(asked: Asked, hit: Hit): Promise<Answer> {
    const { options } = asked;
    // What is not ours to read is no value for whoever decodes it.
    const stored = readStored(hit.value) ?? { body: hit.value, notes: {} };
    const loaded: Loaded = { stored, version: hit.version, source: 'hit', ...this.timesOf(hit) };
    const { floor, none, tags, took = 0 } = stored.notes;
    if (floor !== undefined) return this.renew(asked, loaded);
    if (tags !== undefined && !(await this.tags.areCurrent(tags, asked.tagVersions, options)))
      return this.renew(asked, loaded);
    // That there is none is kept for a short time, which is no reason to look for it all the time.
    const early = none ? { ...options, refreshAheadMs: 0 } : options;
    switch (freshnessOf(hit.times, took, early, this.deps.random)) {
      case 'fresh':
        return { found: loaded };
      case 'ageing':
        return { found: loaded, renewal: this.renewals.behind(asked, loaded) };
      case 'stale':
        return { found: asStale(loaded), renewal: this.renewals.behind(asked, loaded) };
      case 'last-resort': {
        const renewed = this.renew(asked, loaded);
        await renewed.catch(() => undefined);
        const loading = renewed.then(({ found }) => found);
        return { found: this.renewals.orStale(asked, asStale(loaded), loading) };
      }
      case 'over':
        return this.renew(asked, loaded);
    }
  }

  private timesOf({ version, times }: Hit): Pick<Loaded, 'ageMs' | 'freshMs'> {
    if (times === undefined) return {};
    const freshMs = Math.min(times.staleAtMs, times.endsAtMs) - times.nowMs;
    const isTimestamp = this.deps.strategy === 'timestamp';
    return isTimestamp ? { freshMs, ageMs: Math.max(0, times.nowMs - version / 1_000) } : { freshMs };
  }

  /** Asks for a lease although there is that entry. */
  private async renew(asked: Asked, { stored, version }: Loaded): Promise<Answer> {
    const { options, round } = asked;
    if (round >= MOST_ROUNDS) return { found: this.flights.proceed(asked, '', AWAY) };
    const again = { ...asked, replaces: version, replaced: stored.notes, round: round + 1 };
    return this.ask(again, this.tags.named(options));
  }
}

/** A hit has to tell how long its value is fresh. */
function isTimed({ refreshAheadMs, xfetch }: ResolvedLoadOptions): boolean {
  return refreshAheadMs > 0 || xfetch > 0;
}

function asStale(loaded: Loaded): Loaded {
  return { ...loaded, source: 'stale', freshMs: 0 };
}

import type { Clock } from '../../base/clock.js';
import type { ErrorSink } from '../../base/error-sink.js';
import { inTime } from '../../base/in-time.js';
import { isOlder } from '../floors.js';
import type { FillLeases } from './fill-leases.js';
import type { Loadable, LoadBatch } from './load-batch.js';
import type { LoadFlights } from './load-flights.js';
import type { Loaded, Loading, Missing } from './missing.js';

const TAKES_LONG = new Error('the load takes longer than softTimeout');

/** A key whose value may be loaded anew although there is one. */
export interface Renewable extends Missing {
  /** Loads later, behind the back of the call. */
  readonly behind: LoadBatch;
}

/** What renewals are made of. */
export interface RenewalsDependencies<T extends Renewable> {
  readonly clock: Clock;
  readonly report: ErrorSink;
  readonly leases: FillLeases;
  readonly flights: LoadFlights<T>;
}

/** Loads in the place of values that can still be given. Their failures are told, because no caller has them. */
export class Renewals<T extends Renewable> {
  /** Keys that are being loaded anew behind the backs of their readers. */
  private readonly underway = new Set<string>();
  /** Failures that are told already: each has as many callers as shared the load. */
  private readonly told = new WeakSet<object>();

  constructor(private readonly deps: RenewalsDependencies<T>) {}

  /** One call of all processes loads; it resolves when the load has begun, or somebody else is at it. */
  async behind(asked: T, { stored, version }: Loaded): Promise<void> {
    const { flights, leases } = this.deps;
    const { behind, key, options } = asked;
    if (this.underway.has(key)) return;
    this.underway.add(key);
    const load = (): Promise<Loadable | undefined> => behind.load(key);
    // Nobody who leaves ends it.
    const again = { ...asked, replaces: version, replaced: stored.notes, load, signal: undefined };
    const question = flights.question(again);
    let renewing: Loading | undefined;
    try {
      const lease = await leases.ask(question, options);
      if (lease.kind === 'leased') renewing = flights.fill(again, question.token);
    } catch (error) {
      this.tell(error, key);
    }
    const end = (): boolean => this.underway.delete(key);
    if (renewing === undefined) end();
    else renewing.then(end, (error: unknown) => end() && this.tell(error, key));
  }

  /** A load that fails or takes long, or gives what is older at its source, has the stale value in its place. */
  async orStale({ key, options, signal }: T, stale: Loaded, load: Loading): Loading {
    try {
      const loaded = await inTime(this.deps.clock, options.softTimeoutMs, load, () => TAKES_LONG);
      if (loaded === undefined || !isOlder(loaded.stored.notes, stale.stored.notes)) return loaded;
    } catch (error) {
      const tell = (failure: unknown): void => {
        // A call that was given up has not failed.
        if (!signal?.aborted) this.tell(failure, key);
      };
      if (error === TAKES_LONG) load.catch(tell);
      else {
        signal?.throwIfAborted();
        tell(error);
      }
    }
    return stale;
  }

  private tell(error: unknown, key: string): void {
    if (typeof error === 'object' && error !== null) {
      if (this.told.has(error)) return;
      this.told.add(error);
    }
    this.deps.report(error, { during: 'loading a cached value anew', details: { key } });
  }
}

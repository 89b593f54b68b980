import type { LeaseOutcome } from '../../store/fill-operations.js';
import type { ResolvedLoadOptions } from '../cache.options.js';
import type { StoredValue, ValueNotes } from '../stored-value.js';
import type { TagVersionMap } from '../tags/tag-versions.js';
import type { Loadable } from './load-batch.js';
import type { LoadSource } from './load-report.js';

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

/** A load without a lease, which is not cached. */
export async function unpublished({ load }: Missing, source: LoadSource): Loading {
  const loaded = await load();
  return loaded && { stored: loaded.stored, version: 0, source };
}

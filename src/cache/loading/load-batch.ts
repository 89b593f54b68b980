import { Settlement } from '../../base/settlement.js';
import type { StoredValue } from '../stored-value.js';

/** What was loaded, as it is to be kept. */
export interface Loadable {
  readonly stored: StoredValue;
  /** 0 keeps it for ever. */
  readonly ttlMs: number;
  /** How long it is fresh, if shorter; 0 for as long as it lives. */
  readonly freshMs: number;
}

/** Gets the encoded values of keys from where they come from; those that exist, and those that are known not to where that is to be kept. */
export type LoadMany = (keys: readonly string[]) => Promise<ReadonlyMap<string, Loadable>>;

/** Loads what is missing of some keys by one call, as soon as each of them is known to be there or not. */
export class LoadBatch {
  private readonly missing = new Set<string>();
  private unknown: number;
  private loaded: Settlement<ReadonlyMap<string, Loadable>> | undefined;
  private late: { readonly keys: string[]; readonly loading: Promise<ReadonlyMap<string, Loadable>> } | undefined;

  constructor(
    private readonly keys: readonly string[],
    private readonly loadMany: LoadMany,
  ) {
    this.unknown = keys.length;
  }

  /**
   * Loads a key with the others; when those have been loaded, with those that come late together: all that have waited for one load of another call.
   * @throws what the load throws
   */
  async load(key: string): Promise<Loadable | undefined> {
    if (this.unknown === 0) return (await this.loadLate(key)).get(key);
    this.missing.add(key);
    this.loaded ??= new Settlement();
    return (await this.loaded.promise).get(key);
  }

  /** One key more is known: it has asked for its load, or will not, or not with the others. */
  known(): void {
    this.unknown -= 1;
    const { loaded } = this;
    if (this.unknown > 0 || loaded === undefined) return;
    this.loadMany(this.keys.filter((key) => this.missing.has(key))).then(
      (values) => loaded.resolve(values),
      (error: unknown) => loaded.reject(error),
    );
  }

  private loadLate(key: string): Promise<ReadonlyMap<string, Loadable>> {
    this.late ??= this.beginLate();
    this.late.keys.push(key);
    return this.late.loading;
  }

  /** What ends together is told in one turn, one key after the other, and so is all of it before this begins. */
  private beginLate(): NonNullable<LoadBatch['late']> {
    const keys: string[] = [];
    const loading = Promise.resolve().then(() => {
      this.late = undefined;
      return this.loadMany(keys);
    });
    return { keys, loading };
  }
}

import type { CacheTxnStore } from '../../store/store.js';

/** What a conformance case needs of the store under test. */
export interface StoreHarness {
  /** A started store. It belongs to this case alone, which may stop it. */
  readonly store: CacheTxnStore;
  /** Another process on the same data: same namespace, another process label. It too belongs to this case alone. */
  readonly second: CacheTxnStore;
  /** Returns when at least `ms` have passed at the server: by waiting, or by advancing a manual clock. */
  readonly elapse: (ms: number) => Promise<void>;
  /** A string nobody has used on these data, beginning with `prefix`, of the characters `A-Z a-z 0-9 - _`. */
  readonly uniqueName: (prefix: string) => string;
}

/** One rule of the store port, as a test for any runner: it rejects with an `AssertionError` when the rule is broken. */
export interface StoreConformanceCase {
  /** A sentence in the present tense, unique among the cases. */
  readonly name: string;
  readonly run: (harness: StoreHarness) => Promise<void>;
}

import { callScope, ScopeKey } from '../../base/async-scope.js';

/** Where the value of a load came from. */
export type LoadSource =
  /** The store. */
  | 'hit'
  /** The store, after its time. */
  | 'stale'
  /** The loader, of this call or of one that it waited for. */
  | 'miss'
  /** The loader, and nobody has asked or could ask the store. */
  | 'bypass';

/** What the one who began a load wants to know of it, beside the value. */
export class LoadReport {
  source: LoadSource | undefined;
  /** For how long the value has been in the store, in ms, where that can be told. */
  ageMs: number | undefined;

  constructor(readonly key: string) {}
}

const REPORT = new ScopeKey<LoadReport>('load report');

/** The report that the load of `key` in the present call is to be noted in. */
export function reportOf(key: string): LoadReport | undefined {
  const report = callScope.get(REPORT);
  return report?.key === key ? report : undefined;
}

export function withReport<R>(report: LoadReport, fn: () => R): R {
  return callScope.run(REPORT, report, fn);
}

import { useScriptBench, type KeySnapshot, type ScriptBench } from './script-bench.js';

/** One entry of a commit, as the script gets it. */
export interface Operation {
  readonly key: string;
  readonly kind: 'check' | 'put' | 'bump' | 'delete';
  /** `''` anything, `'*'` any entry, or a version; 0 for none. */
  readonly expected?: number | string;
  readonly strategy?: 'timestamp' | 'counter';
  readonly ttlMs?: number;
  readonly value?: string;
}

export interface Guard {
  readonly key: string;
  readonly token: string;
}

export interface Commit {
  /** Key of the outcome record. */
  readonly outcome: string;
  readonly operations: readonly Operation[];
  readonly guards?: readonly Guard[];
  readonly outcomeTtlMs?: number;
}

export const LONG_MS = 60_000;

/** The two commit scripts with their arguments by name. */
export class CommitBench {
  constructor(readonly bench: ScriptBench) {}

  key(what = 'entry'): string {
    return this.bench.unique(what);
  }

  async commit({ outcome, operations, guards = [], outcomeTtlMs = LONG_MS }: Commit): Promise<(string | number)[]> {
    const keys = [outcome, ...operations.map(({ key }) => key), ...guards.map(({ key }) => key)];
    const entries = operations.flatMap(
      ({ kind, expected = '', strategy = 'timestamp', ttlMs = LONG_MS, value = '' }) => {
        return [kind, expected, strategy, ttlMs, value];
      },
    );
    const args = [operations.length, outcomeTtlMs, ...entries, ...guards.map(({ token }) => token)];
    return (await this.bench.run('commit', keys, args)) as (string | number)[];
  }

  /** Commits under an id of its own and gives the versions. */
  async apply(...operations: readonly Operation[]): Promise<number[]> {
    const [kind, ...versions] = await this.commit({ outcome: this.key('outcome'), operations });
    if (kind !== 'committed') throw new Error(`should commit, but: ${kind}`);
    return versions.map(Number);
  }

  async resolve(outcome: string, abortTtlMs = LONG_MS): Promise<(string | number)[]> {
    return (await this.bench.run('commit-resolve', [outcome], [abortTtlMs])) as (string | number)[];
  }

  entry(key: string): Promise<Record<string, string>> {
    return this.bench.client.hgetall(key);
  }

  snapshot(...keys: readonly string[]): Promise<KeySnapshot[]> {
    return this.bench.snapshot(keys);
  }
}

/** A server for the commit specs of this file. */
export function useCommitBench(): () => CommitBench {
  const bench = useScriptBench();
  return () => new CommitBench(bench());
}

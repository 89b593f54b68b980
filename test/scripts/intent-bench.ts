import { CommitBench, LONG_MS, type Guard, type Operation } from './commit-bench.js';
import { LockBench } from './lock-bench.js';
import { type KeySnapshot, type ScriptBench, useScriptBench } from './script-bench.js';

export { LONG_MS } from './commit-bench.js';

/** An entry that is prepared; what a test does not mention plays no part. */
export type Write = Operation & { readonly kind: 'put' | 'bump' | 'delete' };

/** One slot's share of a transaction. */
export interface Share {
  readonly txn: string;
  /** Key of the record of the transaction in the slot; in the slot that decides, of the decision. */
  readonly record: string;
  readonly operations: readonly Write[];
  readonly guards?: readonly Guard[];
  /** For clients that meet the intents: where it is decided, and what the slot remembers it by. */
  readonly whither?: string;
  readonly leftMs?: number;
  readonly guardMs?: number;
}

/** A raw reply: a kind, and what belongs to it. */
export type Reply = (string | number)[];

/** A moment that has passed for every server. */
export const PAST_MS = 1;

/** What the field `i` of an entry says. */
export interface WaitingWrite {
  readonly txn: string;
  readonly deadlineMs: number;
  readonly kind: string;
  readonly version: number;
  readonly ttlMs: number;
  readonly expiresMs: number;
  readonly whither: string;
}

/** The scripts of commits over several slots with their arguments by name. */
export class IntentBench {
  readonly commits: CommitBench;
  readonly locks: LockBench;

  constructor(readonly bench: ScriptBench) {
    this.commits = new CommitBench(bench);
    this.locks = new LockBench(bench);
  }

  key(what = 'entry'): string {
    return this.bench.unique(what);
  }

  /** A share of a new transaction. */
  share(operations: readonly Write[], more: Partial<Share> = {}): Share {
    return { txn: this.key('txn'), record: this.key('record'), operations, ...more };
  }

  prepare(share: Share): Promise<Reply> {
    const {
      txn,
      record,
      operations,
      guards = [],
      whither = '["decider","anchor"]',
      leftMs = LONG_MS,
      guardMs = LONG_MS,
    } = share;
    const keys = [record, ...operations.map(({ key }) => key), ...guards.map(({ key }) => key)];
    const entries = operations.flatMap(
      ({ kind, expected = '', strategy = 'timestamp', ttlMs = LONG_MS, value = '' }) => {
        return [kind, expected, strategy, ttlMs, value];
      },
    );
    const tokens = guards.map(({ token }) => token);
    return this.run('prepare', keys, [operations.length, txn, whither, leftMs, guardMs, ...entries, ...tokens]);
  }

  /** Prepares what nothing stands in the way of, and gives the versions. */
  async prepared(share: Share): Promise<number[]> {
    const [kind, ...versions] = await this.prepare(share);
    if (kind !== 'prepared') throw new Error(`should prepare, but: ${kind}`);
    return versions.map(Number);
  }

  decide(
    { txn, record, operations }: Share,
    checks: readonly { readonly key: string; readonly expected: number | string }[] = [],
    abortTtlMs = LONG_MS,
  ): Promise<Reply> {
    const keys = [record, ...operations.map(({ key }) => key), ...checks.map(({ key }) => key)];
    return this.run('decide', keys, [operations.length, txn, abortTtlMs, ...checks.map(({ expected }) => expected)]);
  }

  ask({ txn, record, operations }: Share, deadlineMs = PAST_MS, abortTtlMs = LONG_MS): Promise<Reply> {
    return this.run('decision-ask', [record, operations[0]!.key], [txn, deadlineMs, abortTtlMs]);
  }

  settle(
    { txn, record, operations }: Share,
    verdict: 'committed' | 'aborted' | 'published' | 'void',
    { rememberMs = 0, versions }: { readonly rememberMs?: number; readonly versions?: readonly number[] } = {},
  ): Promise<unknown> {
    const keys = [record, ...operations.map(({ key }) => key)];
    return this.bench.run('settle', keys, [txn, verdict, rememberMs, ...operations.map((_, i) => versions?.[i] ?? '')]);
  }

  entry(key: string): Promise<Record<string, string>> {
    return this.bench.client.hgetall(key);
  }

  /** The prepared write of a key, in its parts. */
  async waiting(key: string): Promise<WaitingWrite> {
    const parts = /^(\S+) (\d+) ([a-z]+) (\d+) (\d+) (\d+) (.*)$/s.exec((await this.entry(key)).i ?? '');
    if (parts === null) throw new Error(`nothing waits beside ${key}`);
    const [, txn = '', deadlineMs, kind = '', version, ttlMs, expiresMs, whither = ''] = parts;
    return {
      txn,
      deadlineMs: Number(deadlineMs),
      kind,
      version: Number(version),
      ttlMs: Number(ttlMs),
      expiresMs: Number(expiresMs),
      whither,
    };
  }

  /** The deadline of a prepared write is over, as if its time had passed. */
  async overrun(key: string): Promise<void> {
    const { i = '' } = await this.entry(key);
    await this.bench.client.hset(key, 'i', i.replace(/^(\S+) \d+/, `$1 ${PAST_MS}`));
  }

  snapshot(...keys: readonly string[]): Promise<KeySnapshot[]> {
    return this.bench.snapshot(keys);
  }

  private async run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply> {
    return (await this.bench.run(script, keys, args)) as Reply;
  }
}

/** A server for the specs of this file. */
export function useIntentBench(): () => IntentBench {
  const bench = useScriptBench();
  return () => new IntentBench(bench());
}

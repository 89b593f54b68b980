import { IntentBench, LONG_MS, type Reply } from './intent-bench.js';
import { useScriptBench } from './script-bench.js';

export { LONG_MS } from './commit-bench.js';

/** What a fill says unless it says otherwise: a minute, by timestamp. */
interface FillOptions {
  readonly ttlMs?: number;
  readonly strategy?: 'timestamp' | 'counter';
  /** Fresh to its end unless it says otherwise. */
  readonly freshMs?: number;
}

/** What a question for a lease says beside its token. */
interface LeaseOptions {
  readonly replaces?: number | string;
  readonly times?: 'times' | '';
  /** Where the end of another's lease is to be told. */
  readonly inbox?: string;
}

/** The two scripts behind loads after a miss, beside those that they meet. */
export class FillBench extends IntentBench {
  async lease(
    key: string,
    token: string,
    leaseMs = LONG_MS,
    { replaces = '', times = '', inbox }: LeaseOptions = {},
  ): Promise<Reply> {
    return (await this.bench.run(
      'fill-lease',
      [key],
      [token, leaseMs, replaces, times, ...(inbox === undefined ? [] : [inbox])],
    )) as Reply;
  }

  async fill(
    key: string,
    token: string,
    value = 'loaded',
    { ttlMs = LONG_MS, strategy = 'timestamp', freshMs = 0 }: FillOptions = {},
  ): Promise<Reply> {
    return (await this.bench.run('fill', [key], [token, ttlMs, strategy, freshMs, value])) as Reply;
  }

  /** There was nothing to fill it with. */
  async giveBack(key: string, token: string): Promise<Reply> {
    return (await this.bench.run('fill', [key], [token, 0, 'timestamp', 0])) as Reply;
  }

  /** The lease of a key is over, as if its time had passed and the key had stayed for another reason. */
  async endLease(key: string): Promise<void> {
    await this.bench.client.hset(key, 'fdl', 1);
  }

  /** In whole minutes, rounded up; -1 without a TTL, -2 without the key. */
  async minutesLeft(key: string): Promise<number> {
    const leftMs = await this.bench.client.pttl(key);
    return leftMs < 0 ? leftMs : Math.ceil(leftMs / LONG_MS);
  }
}

/** A server for the specs of this file. */
export function useFillBench(): () => FillBench {
  const bench = useScriptBench();
  return () => new FillBench(bench());
}

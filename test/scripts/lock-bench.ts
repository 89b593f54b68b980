import type { KeySnapshot, ScriptBench } from './script-bench.js';
import { useScriptBench } from './script-bench.js';

/** How a caller asks for locks; what a test does not mention is long enough to play no part. */
export interface Asking {
  readonly leaseMs?: number;
  readonly claimMs?: number;
  /** Default 0: take all or nothing, never queue. */
  readonly queueMs?: number;
  readonly maxWaiters?: number;
}

export type LockState = Readonly<Record<string, string>>;

export const LONG_MS = 60_000;
export const DAY_MS = 86_400_000;
/** A moment that has passed for every server. */
export const PAST_MS = '1';

/** The five lock scripts with their arguments by name. Tokens are the names of people, inboxes `in:<token>`. */
export class LockBench {
  constructor(readonly bench: ScriptBench) {}

  name(): string {
    return this.bench.unique('lock');
  }

  keyOf(name: string): string {
    return `l:${name}`;
  }

  inboxOf(token: string): string {
    return `in:${token}`;
  }

  async acquire(names: readonly string[], token: string, asking: Asking = {}): Promise<(string | number)[]> {
    const { leaseMs = LONG_MS, claimMs = LONG_MS, queueMs = 0, maxWaiters = 100 } = asking;
    const args = [token, this.inboxOf(token), leaseMs, claimMs, queueMs, maxWaiters, ...names];
    return (await this.bench.run('lock-acquire', this.keysOf(names), args)) as (string | number)[];
  }

  /** Acquires what must be free, and gives the fence. */
  async hold(names: readonly string[], token: string, asking: Asking = {}): Promise<number> {
    const [kind, fence] = await this.acquire(names, token, asking);
    if (kind !== 'acquired') throw new Error(`${token} should hold ${names.join()}, but: ${kind}`);
    return Number(fence);
  }

  /** Queues for what must be held by somebody else. */
  async queue(name: string, token: string, asking: Asking = {}): Promise<void> {
    const [kind] = await this.acquire([name], token, { queueMs: LONG_MS, ...asking });
    if (kind !== 'queued') throw new Error(`${token} should wait for ${name}, but: ${kind}`);
  }

  release(names: readonly string[], token: string, minHoldMs = 0): Promise<unknown> {
    return this.bench.run('lock-release', this.keysOf(names), [token, minHoldMs, ...names]);
  }

  renew(...requests: readonly { name: string; token: string; leaseMs?: number; fence?: number }[]): Promise<unknown> {
    const args = requests.flatMap(({ token, leaseMs = LONG_MS, fence = 0 }) => [token, leaseMs, fence]);
    return this.bench.run('lock-renew', this.keysOf(requests.map(({ name }) => name)), args);
  }

  forceRelease(name: string, fence: number | '' = ''): Promise<unknown> {
    return this.bench.run('lock-force-release', [this.keyOf(name)], [name, fence]);
  }

  inspect(names: readonly string[]): Promise<unknown> {
    return this.bench.run('lock-inspect', this.keysOf(names), []);
  }

  state(name: string): Promise<LockState> {
    return this.bench.client.hgetall(this.keyOf(name));
  }

  async owner(name: string): Promise<string | undefined> {
    return (await this.state(name)).t;
  }

  /** Tokens in the queue of a name, dead ones included, in order. */
  async waiting(name: string): Promise<string[]> {
    const places = Object.entries(await this.state(name)).filter(([field]) => field.startsWith('q:'));
    const number = ([field]: readonly [string, string]): number => Number(field.slice('q:'.length));
    return places.sort((one, other) => number(one) - number(other)).map(([, token]) => token);
  }

  snapshot(names: readonly string[]): Promise<KeySnapshot[]> {
    return this.bench.snapshot(this.keysOf(names));
  }

  set(name: string, fields: LockState): Promise<unknown> {
    return this.bench.client.hset(this.keyOf(name), fields);
  }

  /** Ends the lease now, as if its time had passed. */
  expire(name: string): Promise<unknown> {
    return this.set(name, { x: PAST_MS });
  }

  /** Ends the place of a waiter now, as if its process had died and the time had passed. */
  async bury(name: string, token: string): Promise<void> {
    const record = (await this.state(name))[`w:${token}`] ?? '';
    const [place, , ...rest] = record.split(' ');
    await this.set(name, { [`w:${token}`]: [place, PAST_MS, ...rest].join(' ') });
  }

  private keysOf(names: readonly string[]): string[] {
    return names.map((name) => this.keyOf(name));
  }
}

/** A server for the lock specs of this file. */
export function useLockBench(): () => LockBench {
  const bench = useScriptBench();
  return () => new LockBench(bench());
}

/** What must be the same after a second call: everything but the end of the lease and of places in the queue. */
export function withoutDeadlines(state: LockState): LockState {
  const { x: _lease, ...rest } = state;
  const waiter = /^(\d+) \d+ (.*)$/s;
  return Object.fromEntries(
    Object.entries(rest).map(([field, text]) => [
      field,
      field.startsWith('w:') ? text.replace(waiter, '$1 <deadline> $2') : text,
    ]),
  );
}

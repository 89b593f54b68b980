import { VersionConflictError } from '../../../src/base/errors.js';
import { tagKey } from '../../../src/cache/tags/tags.js';
import type { Dice } from '../engine/dice.js';
import type { Judge } from './judge.js';
import type { NearProcess } from './near-process.js';
import { COUNTER, PAIR, PLAIN, TAG, TAGGED } from './near-profile.js';
import type { NearWorld } from './near-world.js';

/** What entries hold. */
interface Numbered {
  readonly n: number;
}

type Step = () => Promise<void>;

const LOAD_MS = 30;
const READABLE = [...PLAIN, ...TAGGED, ...PAIR];

/** What is shared by the clients of an episode. */
export interface Progress {
  stepsLeft: number;
  /** Of the counter, by transactions that have committed. */
  increments: number;
}

/** One caller after the other in a process: each step is a read, a write or a transaction, with a look at what it answers. */
export class NearClient {
  private readonly steps: readonly (readonly [weight: number, step: Step])[] = [
    [30, () => this.get()],
    [12, () => this.getMany()],
    [14, () => this.getOrLoad()],
    [10, () => this.set()],
    [4, () => this.remove()],
    [3, () => this.invalidate()],
    [4, () => this.setPair()],
    [8, () => this.increment()],
    [6, () => this.copyOver()],
    [9, () => this.readPair()],
  ];

  constructor(
    private readonly world: NearWorld,
    private readonly process: NearProcess,
    private readonly judge: Judge,
    private readonly dice: Dice,
    private readonly progress: Progress,
  ) {}

  /** Takes steps until the episode has had enough. */
  async run(): Promise<void> {
    const { dice, progress, world } = this;
    while (progress.stepsLeft > 0 && world.problems.length === 0) {
      await world.pass(dice.real(0, world.profile.pauseMs));
      progress.stepsLeft -= 1;
      try {
        await this.draw()();
      } catch (error) {
        // A write meets another transaction on its way, or its attempts are spent: nothing is visible.
        if (!(error instanceof VersionConflictError)) throw error;
        this.judge.seen.conflicts += 1;
      }
    }
  }

  private draw(): Step {
    let left = this.dice.real(0, 100);
    for (const [weight, step] of this.steps) {
      if (left < weight) return step;
      left -= weight;
    }
    return this.steps[0]![1];
  }

  private async get(): Promise<void> {
    const key = this.dice.pick(READABLE);
    const begun = this.begin([key]);
    const found = await this.process.cache.get<Numbered>(key);
    this.judge.read(begun, key, found?.n, this.nowMs);
  }

  private async getMany(): Promise<void> {
    const keys = this.dice.sample(READABLE, 3);
    const begun = this.begin(keys);
    const found = await this.process.cache.getMany<Numbered>(keys);
    for (const key of keys) this.judge.read(begun, key, found.get(key)?.n, this.nowMs);
  }

  private async getOrLoad(): Promise<void> {
    const { dice, world } = this;
    const key = dice.pick([...PLAIN, ...TAGGED]);
    const begun = this.begin([key]);
    const load = async (): Promise<Numbered> => {
      await world.pass(dice.real(0, LOAD_MS));
      const n = world.nextNumber();
      world.loads.set(n, { key, fromMs: this.nowMs, untilMs: this.nowMs });
      return { n };
    };
    const found = await this.process.cache.getOrLoad<Numbered>(key, load, this.optionsOf(key));
    this.judge.read(begun, key, found?.n, this.nowMs);
  }

  private async set(): Promise<void> {
    const key = this.dice.pick([...PLAIN, ...TAGGED]);
    const n = this.world.nextNumber();
    await this.process.cache.set(key, { n }, this.optionsOf(key));
    this.wrote(key, n);
  }

  private async remove(): Promise<void> {
    const isPair = this.dice.chance(0.2);
    const keys = isPair ? PAIR : [this.dice.pick([...PLAIN, ...TAGGED])];
    const sinceMs = this.nowMs;
    await this.process.cache.delete(...keys);
    for (const key of keys) {
      let madeMs = Number.POSITIVE_INFINITY;
      for (const { version, fromMs } of this.world.truth.between(key, sinceMs, this.nowMs)) {
        if (version === 0) madeMs = Math.max(fromMs, sinceMs);
      }
      this.raise(key, madeMs, 'a deletion');
    }
  }

  private async invalidate(): Promise<void> {
    const sinceMs = this.nowMs;
    await this.process.cache.invalidateTags(TAG);
    let madeMs = Number.POSITIVE_INFINITY;
    for (const { fromMs } of this.world.truth.between(tagKey(TAG), sinceMs, this.nowMs)) {
      if (fromMs >= sinceMs) madeMs = fromMs;
    }
    this.raise(tagKey(TAG), madeMs, 'an invalidation');
  }

  private async setPair(): Promise<void> {
    const n = this.world.nextNumber();
    await this.process.cache.setMany(pairOf(n));
    for (const key of PAIR) this.wrote(key, n);
  }

  /** No update gets lost. */
  private async increment(): Promise<void> {
    const { cache } = this.process;
    await this.transact([COUNTER], (seen) => {
      const n = (seen.get(COUNTER) ?? 0) + 1;
      return { writes: [[COUNTER, n]], write: () => cache.set(COUNTER, { n }) };
    });
    this.progress.increments += 1;
  }

  /** Reads some keys and writes the pair. */
  private async copyOver(): Promise<void> {
    const { cache } = this.process;
    const keys = [this.dice.pick(TAGGED), this.dice.pick(PLAIN), PAIR[0]];
    await this.transact(keys, () => {
      const n = this.world.nextNumber();
      return {
        writes: PAIR.map((key) => [key, n] as const),
        write: () => cache.setMany(pairOf(n)),
      };
    });
  }

  private async readPair(): Promise<void> {
    await this.transact(this.dice.chance(0.7) ? PAIR : [...PAIR, this.dice.pick(TAGGED)]);
  }

  /** Runs a serializable transaction that reads and then, where it is told what, writes. */
  private async transact(
    keys: readonly string[],
    next?: (seen: ReadonlyMap<string, number | undefined>) => {
      readonly writes: readonly (readonly [string, number])[];
      readonly write: () => Promise<void>;
    },
  ): Promise<void> {
    const { cache, coordinator, name } = this.process;
    let beganMs = 0;
    let seen = new Map<string, number | undefined>();
    let writes: readonly (readonly [string, number])[] = [];
    await coordinator.runWithRetry({ readOnly: next === undefined }, async () => {
      beganMs = this.nowMs;
      seen = new Map();
      for (const key of keys) seen.set(key, (await cache.get<Numbered>(key))?.n);
      if (next === undefined) return;
      const work = next(seen);
      writes = work.writes;
      await work.write();
    });
    this.judge.transaction(name, seen, beganMs, this.nowMs);
    if (next === undefined && seen.get(PAIR[0]) !== seen.get(PAIR[1])) {
      this.world.problems.push(`torn: ${name} saw ${[...seen.values()].join(' and ')}`);
    }
    for (const [key, n] of writes) this.wrote(key, n);
  }

  private wrote(key: string, n: number): void {
    const made = this.world.truth.history(key).findLast(({ value }) => value === n);
    this.raise(key, made?.fromMs ?? Number.POSITIVE_INFINITY, String(n));
  }

  private raise(key: string, madeMs: number, what: string): void {
    if (madeMs === Number.POSITIVE_INFINITY) this.world.problems.push(`lost: ${what} of ${key} was answered`);
    else this.process.horizon.raise(key, madeMs);
  }

  private begin(keys: readonly string[]) {
    return this.judge.begin(this.process, keys, this.nowMs);
  }

  private optionsOf(key: string): { readonly ttl: number; readonly tags?: readonly string[] } {
    const ttl = Math.ceil(this.world.profile.entryTtlMs);
    return TAGGED.some((each) => each === key) ? { ttl, tags: [TAG] } : { ttl };
  }

  private get nowMs(): number {
    return this.world.scheduler.nowMs;
  }
}

function pairOf(n: number): Record<string, Numbered> {
  return Object.fromEntries(PAIR.map((key) => [key, { n }]));
}

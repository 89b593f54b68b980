import { InvalidOptionsError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import { DEFAULT_STORE_NAME } from '../base/store-name.js';
import { MemoryBackend } from '../memory/memory-backend.js';
import { memoryStore } from '../memory/memory-store.js';
import type { CacheTxnStore } from '../store/store.js';
import { CommitLog } from './commit-log.js';
import { FaultInjectingStore } from './faults/fault-injecting-store.js';
import { ManualClock } from './manual-clock.js';
import { MAX_SEED, seededRandom } from './seeded-random.js';

/** Settings of a {@link TestWorld}. */
export interface TestWorldOptions {
  /** Default: a new one. */
  readonly clock?: ManualClock;
  /** Decides every random pause and every random fault; 0 to 2^32 - 1. Default 1: every run is the same. */
  readonly seed?: number;
  /** Entries of one namespace before the least recently used one is evicted; at least 128. Default 100,000. */
  readonly maxEntries?: number;
}

/** Which store a node of the world gets. */
export interface TestStoreOptions {
  /** The `name` of the module it is for: each name has data of its own. Default: the module without a name. */
  readonly name?: string;
  /** What to wrap. Default: a memory store on the data that all nodes of this world share. */
  readonly inner?: CacheTxnStore;
}

/** What nodes share: the data, and the note of what was committed to them. */
interface SharedData {
  readonly backend: MemoryBackend;
  readonly commits: CommitLog;
}

/**
 * What the applications of one test share, as nodes share a server: the data, the clock and chance. Time moves only when
 * the test says so: {@link ManualClock.advanceAsync}.
 */
export class TestWorld {
  readonly clock: ManualClock;
  readonly seed: number;
  /** @internal */
  readonly random: Random;
  private readonly maxEntries: number | undefined;
  private readonly data = new Map<string, SharedData>();
  private made = 0;
  private started = 0;

  /** @throws InvalidOptionsError `INVALID_OPTIONS` for a seed that is none */
  constructor({ clock = new ManualClock(), seed = 1, maxEntries }: TestWorldOptions = {}) {
    if (!Number.isSafeInteger(seed) || seed < 0 || seed > MAX_SEED)
      throw new InvalidOptionsError(`seed: ${seed} must be a whole number from 0 to ${MAX_SEED}`, {
        details: { option: 'seed' },
      });
    this.clock = clock;
    this.seed = seed;
    this.random = seededRandom(seed);
    this.maxEntries = maxEntries;
  }

  /** A store for one more node; its random faults follow from the seed of the world. */
  store({ name = DEFAULT_STORE_NAME, inner }: TestStoreOptions = {}): FaultInjectingStore {
    const { backend, commits } = this.dataOf(name);
    this.made += 1;
    const seed = (this.seed + this.made) % (MAX_SEED + 1);
    return new FaultInjectingStore(inner ?? memoryStore({ backend }), { clock: this.clock, seed, commits });
  }

  /**
   * The label of the next node, `node-1` for the first: the owner that the locks of this node show.
   * @internal
   */
  nextLabel(): string {
    this.started += 1;
    return `node-${this.started}`;
  }

  private dataOf(name: string): SharedData {
    let data = this.data.get(name);
    if (data === undefined) {
      const { clock, maxEntries } = this;
      const backend = new MemoryBackend({ timeUs: clock.timeUs, ...(maxEntries !== undefined && { maxEntries }) });
      data = { backend, commits: new CommitLog() };
      this.data.set(name, data);
    }
    return data;
  }
}

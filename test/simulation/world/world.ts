import { Committer } from '../../../src/commit/committer.js';
import { EntryReader } from '../../../src/commit/entry-reader.js';
import { Recovery } from '../../../src/commit/recovery.js';
import { MemorySlot } from '../../../src/memory/memory-slot.js';
import { Dice } from '../engine/dice.js';
import { Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import type { Mutation } from '../mutation.js';
import { Client } from '../workload/client.js';
import { Journal } from '../workload/journal.js';
import { type Names, namesOf } from '../workload/script.js';
import { Monitor } from './monitor.js';
import { slotOfName } from './names.js';
import { Network } from './network.js';
import { type Profile, profileOf } from './profile.js';
import { SimProcess } from './sim-process.js';
import { SimSlot } from './sim-slot.js';
import { type Cluster, SimStore } from './sim-store.js';

/** The simulation has no use for eviction by size. */
const UNBOUNDED = Number.POSITIVE_INFINITY;
/** Streams of chance; one for each process follows. */
const STREAM = { profile: 0, names: 1, network: 2, scripts: 3, faults: 4, recovery: 5, clocks: 6, processes: 10 };

/** A process with everything that runs in it. */
export interface Member {
  readonly process: SimProcess;
  readonly client: Client;
  readonly recovery: Recovery;
  readonly committer: Pick<Committer, 'commit' | 'isIdle'>;
}

/**
 * What the simulation found and does not demand: the kept seeds show each of them.
 *
 * `reads-fit-together`: reads outside of transactions are in real-time order with transactions on other keys.
 * `copies-of-refused`: a copy of a message may come after the refusal of the first has been answered, which no client of this library
 * makes happen, and must change nothing.
 */
export const BEYOND = ['reads-fit-together', 'copies-of-refused'] as const;
export type Beyond = (typeof BEYOND)[number];

/** How one simulation differs from the others, but for its seed. */
export interface SimulationOptions {
  /** Slots fail over and lose the last of their writes. */
  readonly losesWrites?: boolean;
  /** Demanded, or allowed to happen, on top of the rest. */
  readonly beyond?: Beyond;
  readonly mutation?: Mutation;
  readonly trace?: Trace;
}

/** Slots, processes, network, and the clock that moves them. */
export class World {
  readonly scheduler = new Scheduler();
  readonly journal = new Journal();
  readonly profile: Profile;
  readonly names: Names;
  readonly slots: readonly SimSlot[];
  readonly monitor: Monitor;
  readonly network: Network;
  private readonly living: Member[];
  /** Of those that crashed, whoever came after them. */
  private readonly born: (number: number) => Member;
  /** Comes when everything has healed, and clears up. */
  readonly janitor: Member;
  readonly trace: Trace | undefined;
  private births = 0;

  constructor(
    private readonly seed: number,
    private readonly options: SimulationOptions,
  ) {
    const { losesWrites = false, mutation = {}, trace } = options;
    this.trace = trace;
    const { scheduler } = this;
    const nowMs = (): number => scheduler.nowMs;
    this.profile = profileOf(this.dice('profile'), { losesWrites });
    this.names = namesOf(this.dice('names'), this.profile);
    const clocks = this.dice('clocks');
    const makeSlot = (): MemorySlot => mutation.slot?.(UNBOUNDED) ?? new MemorySlot(UNBOUNDED, () => undefined);
    this.slots = Array.from({ length: this.profile.slots }, (_, index) => {
      const skewMs = clocks.real(-1, 1) * this.profile.skewMs;
      return new SimSlot(index, scheduler, { skewMs, makeSlot, canFailOver: losesWrites });
    });
    const keys = [...this.names.lists, ...this.names.registers];
    const bySlot = this.slots.map(({ index }) => keys.filter((key) => slotOfName(key) === index));
    this.monitor = new Monitor(bySlot, this.slots, nowMs, !losesWrites);
    const observe = (slot: SimSlot): void => {
      this.monitor.observe(slot);
    };
    this.network = new Network(scheduler, this.dice('network'), this.profile, observe, trace);
    const repeatsRefused = this.isBeyond('copies-of-refused');
    const cluster = { slots: this.slots, network: this.network, monitor: this.monitor, repeatsRefused };
    this.born = (number) => this.member(number, clocks.real(0, 1_000_000), cluster, mutation);
    this.living = Array.from({ length: this.profile.processes }, (_, number) => this.born(number));
    this.janitor = this.born(this.profile.processes);
  }

  isBeyond(what: Beyond): boolean {
    return this.options.beyond === what;
  }

  /** The processes that there are; one that crashed is no longer among them. */
  get members(): readonly Member[] {
    return this.living;
  }

  /** The process ends in the middle of whatever it does, and another one with its number begins. */
  crash(number: number): void {
    const member = this.living[number];
    if (member === undefined) return;
    this.trace?.note(this.scheduler.nowMs, member.process.name, 'crashes');
    member.process.crash();
    this.living[number] = this.born(number);
  }

  /** A stream of chance of its own. */
  dice(stream: keyof typeof STREAM, number = 0): Dice {
    return new Dice(this.seed, STREAM[stream] + number);
  }

  private member(number: number, startedMsAgo: number, cluster: Cluster, mutation: Mutation): Member {
    const { scheduler, monitor, journal, profile } = this;
    this.births += 1;
    const process = new SimProcess(`p${number}`, scheduler, startedMsAgo);
    const store = mutation.store?.(process, cluster) ?? new SimStore(process, cluster);
    const { next } = this.dice('processes', this.births);
    const committer = mutation.committer?.(store, process.clock, next) ?? new Committer(store, process.clock, next);
    const report = (error: unknown): void => {
      journal.problems.push(`error: a recovery reported ${String(error)}`);
    };
    const client = new Client({
      process,
      store,
      committer,
      reader: new EntryReader(store),
      journal,
      monitor,
      profile,
      nowMs: () => scheduler.nowMs,
    });
    return { process, client, committer, recovery: new Recovery(store, report) };
  }
}

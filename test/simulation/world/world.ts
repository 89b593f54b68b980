import { Committer } from '../../../src/commit/committer.js';
import { EntryReader } from '../../../src/commit/entry-reader.js';
import { DatabaseArbiter } from '../../../src/commit/deciders/database-arbiter.js';
import { IntentResolver } from '../../../src/commit/recovery/intent-resolver.js';
import { Recovery } from '../../../src/commit/recovery/recovery.js';
import { MemorySlot } from '../../../src/memory/memory-slot.js';
import { type DatabaseProfile, databaseProfileOf } from '../database/database-profile.js';
import type { DatabaseSide } from '../database/database-side.js';
import { SimulatedDatabase } from '../database/simulated-database.js';
import { Dice } from '../engine/dice.js';
import { Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import type { Mutation } from '../mutation.js';
import { Client } from '../workload/client.js';
import { Journal } from '../workload/journal.js';
import { RowClient } from '../workload/row-client.js';
import { type Names, namesOf } from '../workload/script.js';
import { Aliases } from './aliases.js';
import { Monitor } from './monitor.js';
import { slotOfName } from './names.js';
import { Network } from './network.js';
import { type Profile, profileOf } from './profile.js';
import { SimProcess } from './sim-process.js';
import { SimSlot } from './sim-slot.js';
import { type Cluster, SimStore } from './sim-store.js';

/** The simulation has no use for eviction by size. */
const UNBOUNDED = Number.POSITIVE_INFINITY;
/** Streams of chance; one for each process follows, the first of which is 11. */
const STREAM = {
  profile: 0,
  names: 1,
  network: 2,
  scripts: 3,
  faults: 4,
  recovery: 5,
  clocks: 6,
  database: 7,
  link: 8,
  rows: 9,
  loaders: 10,
  processes: 10,
};
/** Of the simulations, those whose transactions a database decides. */
const WITH_DATABASE = 1 / 3;

/** A process with everything that runs in it. */
export interface Member {
  readonly process: SimProcess;
  readonly client: Client;
  readonly recovery: Recovery;
  readonly committer: Pick<Committer, 'commit' | 'isIdle'>;
  /** Undefined where there is no database. */
  readonly side: DatabaseSide | undefined;
}

/**
 * What the simulation found and does not demand: the kept seeds show each of them.
 *
 * `reads-fit-together`: reads outside of transactions are in real-time order with transactions on other keys.
 * `copies-of-refused`: a copy of a message may come after the refusal of the first has been answered, which no client of this library
 * makes happen, and must change nothing.
 * `copies-of-leases`: the same of a request for a fill token: its copy hands the token out again after a write has ended it.
 * `commits-stall`: a database takes longer over a COMMIT that came in time than the locks of the call last.
 */
export const BEYOND = ['reads-fit-together', 'copies-of-refused', 'copies-of-leases', 'commits-stall'] as const;
export type Beyond = (typeof BEYOND)[number];

/** How one simulation differs from the others, but for its seed. */
export interface SimulationOptions {
  /** Slots fail over and lose the last of their writes. */
  readonly losesWrites?: boolean;
  /** Whether there is a database, which decides; by default the seed says. */
  readonly database?: boolean;
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
  readonly database: SimulatedDatabase | undefined;
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
    const databaseDice = this.dice('database');
    const isBySeed = databaseDice.chance(WITH_DATABASE);
    const hasDatabase = options.database ?? isBySeed;
    const databaseProfile = hasDatabase ? databaseProfileOf(databaseDice, losesWrites) : undefined;
    const profile = profileOf(this.dice('profile'), { losesWrites });
    this.profile = databaseProfile?.evictsIntents === true ? { ...profile, failovers: 0 } : profile;
    this.names = namesOf(this.dice('names'), this.profile);
    const clocks = this.dice('clocks');
    const makeSlot = (): MemorySlot => mutation.slot?.(UNBOUNDED) ?? new MemorySlot(UNBOUNDED, () => undefined);
    this.slots = Array.from({ length: this.profile.slots }, (_, index) => {
      const skewMs = clocks.real(-1, 1) * this.profile.skewMs;
      return new SimSlot(index, scheduler, { skewMs, makeSlot, canFailOver: losesWrites });
    });
    const keys = [...this.names.lists, ...this.names.registers];
    const bySlot = this.slots.map(({ index }) => keys.filter((key) => slotOfName(key) === index));
    this.database = databaseProfile && this.simulatedDatabase(databaseProfile, mutation);
    const watch = losesWrites ? undefined : this.database?.watch;
    this.monitor = new Monitor(bySlot, this.slots, nowMs, !losesWrites, watch);
    const observe = (slot: SimSlot): void => {
      this.monitor.observe(slot);
    };
    this.network = new Network(scheduler, this.dice('network'), this.profile, observe, trace);
    const repeatsRefused = this.isBeyond('copies-of-refused');
    const repeatsLeases = this.isBeyond('copies-of-leases');
    const { monitor, network, slots } = this;
    const cluster = { slots, network, monitor, repeatsRefused, repeatsLeases, aliases: new Aliases() };
    this.born = (number) => this.member(number, clocks.real(0, 1_000_000), cluster, mutation);
    this.living = Array.from({ length: this.profile.processes }, (_, number) => this.born(number));
    this.janitor = this.born(this.profile.processes);
  }

  /** Whether slots lose what they have answered. */
  get isLossy(): boolean {
    return this.options.losesWrites === true;
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
    this.database?.link.abandon(member.process);
    this.living[number] = this.born(number);
  }

  /** A stream of chance of its own. */
  dice(stream: keyof typeof STREAM, number = 0): Dice {
    return new Dice(this.seed, STREAM[stream] + number);
  }

  /** Whatever becomes visible in the database is compared with the cache, and counts as the commit of its transaction. */
  private simulatedDatabase(profile: DatabaseProfile, { markers }: Mutation): SimulatedDatabase {
    const { names, scheduler, slots, trace } = this;
    const database: SimulatedDatabase = new SimulatedDatabase({
      scheduler,
      profile,
      link: this.dice('link'),
      keys: names.lists,
      slots,
      trace,
      stallsForLong: this.isBeyond('commits-stall'),
      onCommit: ({ marker, rows }) => {
        if (marker !== undefined) this.monitor.noteCommitted(marker.txnId);
        if (!this.isLossy) database.watch.look(rows.keys());
      },
      makeMarkers: markers,
    });
    return database;
  }

  private member(number: number, startedMsAgo: number, cluster: Cluster, mutation: Mutation): Member {
    const { scheduler, monitor, journal, profile } = this;
    this.births += 1;
    const process = new SimProcess(`p${number}`, scheduler, startedMsAgo);
    const store = mutation.store?.(process, cluster) ?? new SimStore(process, cluster);
    const { next } = this.dice('processes', this.births);
    const side = this.database?.sideOf(process, store);
    const arbiter = side?.arbiter ?? new DatabaseArbiter(undefined);
    const resolver = new IntentResolver(store, arbiter);
    const report = (error: unknown): void => {
      journal.problems.push(`error: a recovery or a commit reported ${String(error)}`);
    };
    const options = { arbiter, report, ...(mutation.protocol && { protocol: mutation.protocol }) };
    const committer = new Committer(store, process.clock, next, options);
    const client = new Client({
      process,
      store,
      committer,
      reader: new EntryReader(store, resolver),
      journal,
      monitor,
      profile,
      rows: side && new RowClient(side, committer, store, resolver),
      nowMs: () => scheduler.nowMs,
    });
    return { process, client, committer, recovery: new Recovery(store, report, arbiter), side };
  }
}

import type { CacheTxnStore } from '../../../src/store/store.js';
import type { Dice } from '../engine/dice.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import { RowWatch } from '../world/row-watch.js';
import type { SimProcess } from '../world/sim-process.js';
import type { SimSlot } from '../world/sim-slot.js';
import { DatabaseLink } from './connection.js';
import type { DatabaseProfile } from './database-profile.js';
import { DatabaseSide, type MakeMarkers } from './database-side.js';
import { type OnCommit, SimDatabase } from './sim-database.js';

/** Shorter than the locks of a commit outlast the time in which its COMMIT may come: see `PREPARING_AT_MOST_MS`. */
const LONGEST_STALL_MS = 4_000;
const LONG_STALL_MS = 15_000;

/** What the database of a simulation is made of. */
export interface SimulatedDatabaseParts {
  readonly scheduler: Scheduler;
  readonly link: Dice;
  readonly keys: readonly string[];
  readonly slots: readonly SimSlot[];
  readonly trace: Trace | undefined;
  /** Whether a COMMIT may take longer than the locks of its transaction last. */
  readonly stallsForLong: boolean;
  readonly profile: DatabaseProfile;
  readonly onCommit: OnCommit;
  readonly makeMarkers: MakeMarkers | undefined;
}

/** The database of a simulation: its server, the ways to it, and who compares the cache with it. */
export class SimulatedDatabase {
  readonly profile: DatabaseProfile;
  readonly server: SimDatabase;
  readonly link: DatabaseLink;
  readonly watch: RowWatch;

  constructor(private readonly parts: SimulatedDatabaseParts) {
    const { keys, link, onCommit, profile, scheduler, slots, stallsForLong, trace } = parts;
    this.profile = profile;
    this.server = new SimDatabase(scheduler, keys, onCommit);
    this.link = new DatabaseLink(
      this.server,
      scheduler,
      link,
      profile,
      trace,
      stallsForLong ? LONG_STALL_MS : LONGEST_STALL_MS,
    );
    this.watch = new RowWatch(this.server, slots, () => scheduler.nowMs);
  }

  /** What a process has to do with it. */
  sideOf(process: SimProcess, store: CacheTxnStore): DatabaseSide {
    return new DatabaseSide(process, this.link, this.profile, store, this.parts.makeMarkers);
  }
}

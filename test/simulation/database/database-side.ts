import { DatabaseArbiter } from '../../../src/commit/deciders/database-arbiter.js';
import { MarkerReplay } from '../../../src/commit/recovery/marker-replay.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import type { SimProcess } from '../world/sim-process.js';
import type { DatabaseLink } from './connection.js';
import type { DatabaseProfile } from './database-profile.js';
import { SimMarkers } from './sim-markers.js';

/** Makes the database of a process; a mutant makes a worse one. */
export type MakeMarkers = (process: SimProcess, link: DatabaseLink, askMs: number) => SimMarkers;

/** What a process has to do with the database, the real code over the simulated one. */
export class DatabaseSide {
  readonly markers: SimMarkers;
  readonly arbiter: DatabaseArbiter;
  private readonly replay: MarkerReplay;
  private isReplaying = false;

  constructor(
    readonly process: SimProcess,
    readonly link: DatabaseLink,
    readonly profile: DatabaseProfile,
    store: CacheTxnStore,
    makeMarkers: MakeMarkers = (...parts) => new SimMarkers(...parts),
  ) {
    this.markers = makeMarkers(process, link, profile.askMs);
    this.arbiter = new DatabaseArbiter(this.markers);
    this.replay = new MarkerReplay(store, this.markers);
  }

  /** As the sweeper of an application does, one look after the other. */
  async look(): Promise<void> {
    if (!this.profile.replays || this.isReplaying) return;
    this.isReplaying = true;
    try {
      await this.replay.replayIfChanged();
    } finally {
      this.isReplaying = false;
    }
  }
}

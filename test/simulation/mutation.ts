import type { Protocol } from '../../src/commit/protocol/protocol.js';
import type { MemorySlot } from '../../src/memory/memory-slot.js';
import type { MakeMarkers } from './database/database-side.js';
import type { Cluster, SimStore } from './world/sim-store.js';
import type { SimProcess } from './world/sim-process.js';

/** A rule of the protocol that is broken on purpose, at one of four places. */
export interface Mutation {
  /** In the server. */
  readonly slot?: (maxEntries: number) => MemorySlot;
  /** In the client, below the protocol. */
  readonly store?: (process: SimProcess, cluster: Cluster) => SimStore;
  /** In the protocol. */
  readonly protocol?: Protocol;
  /** In the database, as the processes have it. */
  readonly markers?: MakeMarkers;
}

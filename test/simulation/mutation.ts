import type { Clock } from '../../src/base/clock.js';
import type { Random } from '../../src/base/random.js';
import type { Committer } from '../../src/commit/committer.js';
import type { MemorySlot } from '../../src/memory/memory-slot.js';
import type { CacheTxnStore } from '../../src/store/store.js';
import type { Cluster, SimStore } from './world/sim-store.js';
import type { SimProcess } from './world/sim-process.js';

/** A rule of the protocol that is broken on purpose, at one of three places. */
export interface Mutation {
  /** In the server. */
  readonly slot?: (maxEntries: number) => MemorySlot;
  /** In the client, below the protocol. */
  readonly store?: (process: SimProcess, cluster: Cluster) => SimStore;
  /** In the protocol. */
  readonly committer?: (store: CacheTxnStore, clock: Clock, random: Random) => Pick<Committer, 'commit' | 'isIdle'>;
}

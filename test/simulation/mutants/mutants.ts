import type { Protocol } from '../../../src/commit/protocol/protocol.js';
import type { MemorySlot } from '../../../src/memory/memory-slot.js';
import type { MakeMarkers } from '../database/database-side.js';
import type { SimMarkers } from '../database/sim-markers.js';
import type { Mutation } from '../mutation.js';
import type { Cluster, SimStore } from '../world/sim-store.js';
import type { SimProcess } from '../world/sim-process.js';
import * as protocols from './protocols.js';
import * as slots from './slots.js';
import * as stores from './stores.js';

/** A bug on purpose, and how soon the simulation has to find it. */
export interface Mutant {
  readonly name: string;
  readonly mutation: Mutation;
  /** It is found in one of the first so many: about five times as many as it takes on average. */
  readonly withinSeeds: number;
  /** One that has found it, which is played first: looking for it anew takes seconds. The others are played where it does not any more. */
  readonly knownSeed?: number;
  /** What it is found by. */
  readonly shows: RegExp;
  /** It is found only where slots lose writes. */
  readonly losesWrites?: boolean;
}

/** Every rule that one of these breaks is one that somebody could take out of the code as needless. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'decides before every slot has prepared',
    withinSeeds: 200,
    shows: /^(version|torn|lost-append|G-single|G2-item)/,
    mutation: store(stores.ImpatientStore),
  },
  {
    name: 'compares reads before all prepares',
    withinSeeds: 5000,
    shows: /^(G2-item)/,
    mutation: protocol(protocols.validatesWithPrepares),
  },
  {
    name: 'does not compare reads of other slots',
    withinSeeds: 1000,
    shows: /^(G2-item|G-single)/,
    mutation: protocol(protocols.neverValidates),
  },
  {
    name: 'does not compare reads of the deciding slot',
    withinSeeds: 1000,
    shows: /^(G2-item|G-single)/,
    mutation: slot(slots.UncheckedDecisionSlot),
  },
  {
    name: 'presumes an abort past the deadline without a record',
    withinSeeds: 8000,
    knownSeed: 888,
    shows: /^(torn|lost-append|G-single)/,
    mutation: slot(slots.PresumingSlot),
  },
  { name: 'lets late prepares in', withinSeeds: 500, shows: /^(stray)/, mutation: slot(slots.OpenDoorSlot) },
  {
    name: 'settles intents of others',
    withinSeeds: 1000,
    shows: /^(I10|torn|lost-append)/,
    mutation: slot(slots.AnyIntentSlot),
  },
  {
    name: 'presumes an abort before the deadline',
    withinSeeds: 500,
    shows: /^(torn|lost-append)/,
    mutation: slot(slots.HastySlot),
  },
  { name: 'shows writes before the decision', withinSeeds: 200, shows: /^(I10|torn)/, mutation: slot(slots.EagerSlot) },
  {
    name: 'forgets the decision before every slot has settled',
    withinSeeds: 5000,
    shows: /^(stray|torn)/,
    mutation: protocol(protocols.retiresEarly),
  },
  {
    name: 'takes a lost settlement for done',
    withinSeeds: 1000,
    shows: /^(stray)/,
    mutation: store(stores.CarelessStore),
  },
  {
    name: 'forgets a failed commit that is not taken back',
    withinSeeds: 1000,
    shows: /^(stray)/,
    mutation: protocol(protocols.closesEarly),
  },
  {
    name: 'leaves a prepare that was not answered',
    withinSeeds: 500,
    shows: /^(stray)/,
    mutation: protocol(protocols.forgetsUnanswered),
  },
  {
    name: 'takes a lost decision for refused',
    withinSeeds: 1000,
    shows: /^(I10|kept)/,
    mutation: protocol(protocols.presumesRefusal),
  },
  {
    name: 'compares no versions',
    withinSeeds: 200,
    shows: /^(lost-append|G-single|G2-item|incompatible-order)/,
    mutation: slot(slots.UncheckedSlot),
  },
  { name: 'compares no lock tokens', withinSeeds: 2000, shows: /^(guard)/, mutation: slot(slots.UnguardedSlot) },
  {
    name: 'lets locks end before the decision',
    withinSeeds: 15000,
    knownSeed: 4160,
    shows: /^(guard)/,
    mutation: slot(slots.ShortGuardSlot),
  },
  { name: 'applies a commit twice', withinSeeds: 1000, shows: /^(I10)/, mutation: slot(slots.TwiceSlot) },
];

export function slot(Slot: typeof MemorySlot): Mutation {
  return { slot: (maxEntries) => new Slot(maxEntries, () => undefined) };
}

export function store(Store: new (process: SimProcess, cluster: Cluster) => SimStore): Mutation {
  return { store: (process, cluster) => new Store(process, cluster) };
}

export function protocol(wrong: Protocol): Mutation {
  return { protocol: wrong };
}

export function database(Markers: new (...parts: Parameters<MakeMarkers>) => SimMarkers): Mutation {
  return { markers: (...parts) => new Markers(...parts) };
}

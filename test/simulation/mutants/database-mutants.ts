import * as slots from './database-slots.js';
import * as databases from './databases.js';
import { database, type Mutant, protocol, slot, store } from './mutants.js';
import * as protocols from './protocols.js';
import { ImpatientStore, PublishingStore } from './stores.js';

/** Found where a database decides. */
export const DATABASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'commits before every slot has prepared',
    withinSeeds: 500,
    shows: /^(stale|version)/,
    mutation: store(ImpatientStore),
  },
  {
    name: 'asks a database without waiting for what is open',
    withinSeeds: 5000,
    knownSeed: 1204,
    shows: /^(stale|rows|I10)/,
    mutation: database(databases.HastyMarkers),
  },
  {
    name: 'takes a lost COMMIT for a ROLLBACK',
    withinSeeds: 500,
    shows: /^(rows|I10|stale)/,
    mutation: protocol(protocols.presumesRefusal),
  },
  { name: 'publishes without its own intent', withinSeeds: 5000, shows: /^(stale)/, mutation: store(PublishingStore) },
  { name: 'fills without a token', withinSeeds: 500, shows: /^(stale)/, mutation: slot(slots.TokenlessSlot) },
  {
    name: 'shows what lies beside an intent',
    withinSeeds: 500,
    shows: /^(stale)/,
    mutation: slot(slots.IntentBlindSlot),
  },
  {
    name: 'does not compare what was only read',
    withinSeeds: 2000,
    shows: /^(G2-item|G-single)/,
    mutation: protocol(protocols.neverValidates),
  },
  {
    name: 'rolls forward after a failover',
    losesWrites: true,
    withinSeeds: 3000,
    shows: /^(for ever)/,
    mutation: slot(slots.RollingForwardSlot),
  },
  {
    name: 'replays nothing after a failover',
    losesWrites: true,
    withinSeeds: 3000,
    knownSeed: 542,
    shows: /^(for ever)/,
    mutation: database(databases.ForgetfulMarkers),
  },
];

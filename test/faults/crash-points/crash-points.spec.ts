import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { PostgresServer } from '../../support/servers/postgres-server.js';
import { startRedisCluster, type RedisCluster } from '../../support/servers/redis-cluster.js';
import { FAULT_ROUNDS, roundsOf } from '../seed.js';
import { type Cell, cellsOf, sampleOf } from './cells.js';
import { CrashScene } from './crash-scene.js';
import { startCrashDatabase } from './database-view.js';
import { crashFigures, expectAllResolved } from './verdict.js';
import type { DecidedBy, Shape } from './steps.js';

const SPANS: readonly Omit<Shape, 'decider'>[] = [
  { slots: 1, reads: false, locks: false },
  { slots: 2, reads: true, locks: false },
  { slots: 3, reads: false, locks: true },
  { slots: 4, reads: true, locks: true },
];
const MORE_SPANS: readonly Omit<Shape, 'decider'>[] = [
  { slots: 1, reads: true, locks: false },
  { slots: 2, reads: false, locks: false },
  { slots: 8, reads: true, locks: true },
];
/** Of the spans of a failpoint with its fate, in the short form. */
const MOST_ALIKE: Readonly<Record<DecidedBy, number>> = { slot: 2, database: 1 };
/** More owners that go on at the same moment than the machine can bear would hear no answer in time. */
const MOST_AT_ONCE = 300;
const FATES = ['kill', 'stop', 'throw'] as const;
/** What a transaction may take. A machine with other work may leave some of them no time to get to their failpoint: they try again. */
const TRIES_MS = [1_500, 3_000, 6_000, 10_000] as const;

describe('the owner of a transaction that meets its fate at any step', () => {
  let cluster: RedisCluster;
  let postgres: PostgresServer;
  let folder: string;

  beforeAll(async () => {
    [cluster, postgres] = await Promise.all([
      // Nobody is to be elected here: a starved machine makes a node look dead.
      startRedisCluster({ args: ['--cluster-node-timeout', '15000'] }),
      startCrashDatabase(),
    ]);
    folder = mkdtempSync(join(tmpdir(), 'cache-txn-crash-'));
  }, 60_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await Promise.all([cluster.stop(), postgres.stop()]);
  });

  function cellsFor(decider: DecidedBy, random: () => number): readonly Cell[] {
    const isLong = FAULT_ROUNDS > 1;
    const shapes = (isLong ? [...SPANS, ...MORE_SPANS] : SPANS).map((span) => ({ ...span, decider }));
    const all = FATES.flatMap((fate) => cellsOf(shapes, fate, random));
    return isLong ? all : sampleOf(all, MOST_ALIKE[decider], random);
  }

  /** Until every owner has got to its failpoint once. */
  async function play(decider: DecidedBy, cells: readonly Cell[]): Promise<void> {
    let left = cells;
    const database = decider === 'database' ? postgres.url : undefined;
    for (const txnMs of TRIES_MS) {
      if (left.length === 0) break;
      const played = await CrashScene.play({ ...cluster, cells: left, database, txnMs, folder });
      process.stdout.write(`crash points, a ${decider} decides: ${crashFigures(played)}\n`);
      expectAllResolved(played);
      const missed = new Set(played.fared.filter(({ isReached }) => !isReached).map(({ cell }) => cell.name));
      left = left.filter(({ name }) => missed.has(name));
    }
    expect(left.map(({ name }) => name)).toEqual([]);
  }

  async function playAll(decider: DecidedBy, random: () => number): Promise<void> {
    const cells = cellsFor(decider, random);
    const parts = Math.ceil(cells.length / MOST_AT_ONCE);
    for (let part = 0; part < parts; part += 1) {
      await play(
        decider,
        cells.filter((_, i) => i % parts === part),
      );
    }
  }

  it(
    'G14, G20, G21, G27, G28, G44, G45, G46, G48: killed, stopped or failed, it leaves all or nothing, nothing else, and its caller knows which (F22)',
    async () => {
      for (const { random } of roundsOf('crash points')) {
        const plays = [playAll('slot', random), playAll('database', random)];
        // Most of the time they wait for deadlines, so both go on at the same time.
        await Promise.allSettled(plays);
        await Promise.all(plays);
      }
    },
    120_000 * FAULT_ROUNDS,
  );
});

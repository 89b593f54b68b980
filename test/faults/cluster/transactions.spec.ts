import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Isolation } from '../../../src/txn/txn.options.js';
import { checkHistory } from '../../support/history/serializability/check-history.js';
import type { History } from '../../support/history/serializability/history.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { FAULT_ROUNDS, roundsOf, type Round } from '../seed.js';
import { Bank } from './bank.js';
import { deaths, failover, killedMaster, killedProcess, lostWrites, movingSlots } from './commit-faults.js';
import { CommitScene, type CommitFault, type CommitPlay, type Played } from './commit-scene.js';
import { expectNoAnomaly, expectNothingInvented, expectSettledAndClean, tellCommitFigures } from './commit-verdict.js';
import { FailingCluster } from './failing-cluster.js';
import { appendToLists, readLists } from './list-append.js';
import { TxnJournal } from './txn-journal.js';
import { startTxnMember, type TxnMember } from './txn-member.js';
import { skew } from './write-skew.js';

const IS_LONG = FAULT_ROUNDS > 1;
/** Successful calls before each fault, and as many after it. */
const LEAST = IS_LONG ? 400 : 60;
const LIMIT_MS = 120_000 * FAULT_ROUNDS;
const MAX_TRIES = 4;

/** What `npm test` has no time for. */
const inLongForm = <T>(rows: readonly T[]): readonly T[] => (IS_LONG ? rows : []);

describe('transactions over all masters of a cluster', () => {
  let cluster: FailingCluster;
  let folder: string;

  beforeAll(async () => {
    cluster = await FailingCluster.start();
    folder = mkdtempSync(join(tmpdir(), 'cache-txn-lists-'));
  }, 60_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await cluster.stop();
  });

  /**
   * Plays until nobody has called an election that was not asked for, as a starved machine does: it may lose something, and
   * then the play says nothing.
   */
  async function withoutOthers<T>(elections: number, play: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const before = await cluster.elections();
      const played = await play();
      if ((await cluster.elections()) <= before + elections || tries === MAX_TRIES) return played;
    }
  }

  async function playLists(
    { random }: Round,
    fault?: CommitFault,
    { isolation = 'serializable', ...more }: Partial<CommitPlay> & { readonly isolation?: Isolation } = {},
  ): Promise<{ played: Played; journal: TxnJournal }> {
    const journal = new TxnJournal();
    const { note } = journal;
    const played = await CommitScene.play({
      ...{ cluster, random, least: LEAST, fault, ...more },
      step: (member, recorder) => appendToLists(member, recorder, { note, random, isolation }),
      lookAtAll: (member) => readLists(member, note, 'the end'),
    });
    return { played, journal };
  }

  it.each<[string, string, number, () => CommitFault | undefined]>([
    ['nothing happens', '', 0, () => undefined],
    ['a master hands over to its replica (F13)', 'F13', 1, () => failover(cluster, 'graceful')],
    ['members die at any step (F22)', 'F22 steps', 0, () => deaths],
    // Whoever gets a slot raises the epoch, as an election does.
    ['slots in use move there and back (F24)', 'F24', 4, () => movingSlots(cluster)],
  ])(
    'G14, G16, G27: are strictly serializable, and leave nothing behind, when %s',
    async (_what, name, elections, fault) => {
      for (const round of roundsOf(`commits ${name}`)) {
        const { played, journal } = await withoutOthers(elections, () => playLists(round, fault()));
        expectNoAnomaly(name || 'no fault', played, journal.history);
      }
    },
    LIMIT_MS,
  );

  it(
    'G14, G16, G27: are strictly serializable, and leave nothing behind, when a process is killed (F22)',
    async () => {
      for (const round of roundsOf('commits F22 kill')) {
        const { played, journal } = await withoutOthers(0, async () => {
          const file = join(mkdtempSync(join(folder, 'killed-')), 'transactions.jsonl');
          const both = await playLists(round, killedProcess(cluster, file), { leavesStrays: true });
          both.journal.addFile(file);
          return both;
        });
        expect(journal.history.some(({ process }) => process.startsWith('killed'))).toBe(true);
        expectNoAnomaly('F22 kill', played, journal.history);
      }
    },
    LIMIT_MS,
  );

  it.each<[string, string, () => CommitFault]>([
    ['is forced out (FORCE, F14)', 'F14 FORCE', () => failover(cluster, 'FORCE')],
    ['dies with what only it knew (F15)', 'F15', () => lostWrites(cluster)],
    ...inLongForm<[string, string, () => CommitFault]>([
      ['is forced out (TAKEOVER, F14)', 'F14 TAKEOVER', () => failover(cluster, 'TAKEOVER')],
      ['is killed (F15)', 'F15 kill', () => killedMaster(cluster)],
    ]),
  ])(
    'G21, G27: settle, invent nothing and leave no prepared write when a master %s',
    async (_what, name, fault) => {
      for (const round of roundsOf(`commits ${name}`)) {
        const { played, journal } = await playLists(round, fault(), { losesWrites: true });
        expectNothingInvented(name, played, journal.history);
      }
    },
    LIMIT_MS,
  );

  it.each<[string, string, number, () => CommitFault]>([
    ['members die at any step (F22)', 'F22', 0, () => deaths],
    ...inLongForm<[string, string, number, () => CommitFault]>([
      ['a master hands over to its replica (F13)', 'F13', 1, () => failover(cluster, 'graceful')],
    ]),
  ])(
    'G14, G16, G27: move money between masters without losing any, or half a transfer, when %s',
    async (_what, name, elections, fault) => {
      for (const round of roundsOf(`bank ${name}`)) {
        const { random } = round;
        const { bank, played } = await withoutOthers(elections, async () => {
          const own = new Bank();
          const each = await CommitScene.play({
            ...{ cluster, random, least: LEAST, fault: fault() },
            step: (member, recorder) => own.step(member, recorder, random),
            lookAtAll: (member) => own.close(member),
          });
          return { bank: own, played: each };
        });
        tellCommitFigures(`bank ${name} ${JSON.stringify(bank.outcomes)}`, played, [], []);
        expectSettledAndClean(played);
        expect(bank.problems()).toEqual([]);
      }
    },
    LIMIT_MS,
  );

  it(
    'G17: are read-committed when asked for: nobody sees what is not committed, nor loses an update',
    async () => {
      for (const round of roundsOf('commits read-committed')) {
        const { played, journal } = await withoutOthers(0, () =>
          playLists(round, undefined, { isolation: 'read-committed' }),
        );
        expectNoAnomaly('read-committed', played, journal.history, { realTime: false, isolation: 'read-committed' });
      }
    },
    LIMIT_MS,
  );

  it('G16, G17: let write skew through if read-committed, and refuse one of the two if serializable', async () => {
    const play = async (isolation: Isolation): Promise<History> => {
      const start = (name: string): Promise<TxnMember> =>
        startTxnMember(name, `skew-${isolation}`, clusterStoreOptions(cluster));
      const members = [await start('ann'), await start('bob')] as const;
      const { history } = await skew(members, isolation);
      await Promise.all(members.map((member) => member.stop()));
      return history;
    };
    const loose = await play('read-committed');
    expect(loose.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    expect(checkHistory(loose, { realTime: true }).map(({ kind }) => kind)).toEqual(['G2-item']);
    expect(checkHistory(loose, { realTime: false, isolation: 'read-committed' })).toEqual([]);

    const strict = await play('serializable');
    expect(strict.filter(({ status }) => status === 'failed').length).toBeGreaterThan(0);
    expect(checkHistory(strict, { realTime: true })).toEqual([]);
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { ReplicasBehindError } from '../../../src/base/errors.js';
import { MarkerReplay } from '../../../src/commit/recovery/marker-replay.js';
import type { MarkedTransaction, RecentCommits } from '../../../src/commit/deciders/transaction-database.js';
import { DATABASE_DECIDES } from '../../../src/store/intent.js';
import { type CommitProcess, CommitWorld } from './commit-world.js';

let world: CommitWorld;
let process: CommitProcess;
let one: string;
let two: string;
/** What the database answers; transactions 1 to 9 have been given out. */
let recent: RecentCommits;
let servers: string;

beforeEach(async () => {
  world = new CommitWorld();
  process = await world.process();
  [one, two] = [world.inSlot(process, 0), world.inSlot(process, 1)];
  await world.write(process, [one, two], 'old');
  recent = { transactions: [], nowUs: 100n, endedBefore: 10n, nextBegin: 10n };
  servers = 'first';
  process.store.always('identity', async () => servers);
});

const replayOf = (): MarkerReplay =>
  new MarkerReplay(process.store, { recentlyCommitted: () => Promise.resolve(recent) });
const marked = (txnId: string, keys: readonly string[], markedAtUs = 50n): MarkedTransaction => ({
  txnId,
  keys,
  decider: DATABASE_DECIDES,
  markedAtUs,
});
const commits = (...transactions: MarkedTransaction[]): void => void (recent = { ...recent, transactions });
const values = () => world.values(process, [one, two]);

describe('a replay of what was committed lately', () => {
  it('G45: makes it void when the servers have changed, once, and leaves other entries alone', async () => {
    const replay = replayOf();
    await replay.replayIfChanged();
    servers = 'second';
    commits(marked('lately', [one]));
    expect(await replay.replayIfChanged()).toBe(1);
    expect(await values()).toEqual([undefined, 'old']);
    expect(await replay.replayIfChanged()).toBe(0);
  });

  it('does nothing where the servers are the same, or another process has done it', async () => {
    await replayOf().replayIfChanged();
    commits(marked('lately', [one]));
    expect(await replayOf().replayIfChanged()).toBe(0);
    expect(await values()).toEqual(['old', 'old']);
  });

  it('G45: takes an intent of the transaction along that has come back, and refuses a copy of its prepare', async () => {
    const returned = await world.prepared(process, one, { txnId: 'lately', decider: DATABASE_DECIDES });
    commits(marked('lately', [one, two]));
    await replayOf().replayIfChanged();
    expect(await process.store.inner.readEntries([one, two])).toEqual([undefined, undefined]);
    expect((await process.store.inner.prepare(returned)).kind).toBe('aborted');
  });

  it('leaves the intents of others alone', async () => {
    const { txnId } = await world.prepared(process, one, { decider: DATABASE_DECIDES });
    commits(marked('lately', [one]));
    await replayOf().replayIfChanged();
    expect(await process.store.inner.readEntries([one])).toMatchObject([{ version: 0, intent: { txnId } }]);
  });

  it('G45: goes on until every transaction has ended that was open when the change was noticed', async () => {
    const replay = replayOf();
    recent = { ...recent, endedBefore: 7n };
    await replay.replayIfChanged();
    // It had prepared before the failover, and its COMMIT has come since; later ones are still open.
    recent = { ...recent, endedBefore: 9n, nextBegin: 30n };
    commits(marked('late', [one]));
    expect(await replay.replayIfChanged()).toBe(1);
    recent = { ...recent, endedBefore: 10n };
    commits(marked('late', [one]), marked('last', [two]));
    expect(await replay.replayIfChanged()).toBe(1);
    expect(await values()).toEqual([undefined, undefined]);
    const asked = process.count('settle');
    commits(marked('later', [one]));
    expect([await replay.replayIfChanged(), process.count('settle')]).toEqual([0, asked]);
  });

  it('spares what was marked after the first look, where nobody knew of other servers', async () => {
    commits(marked('before', [one], 100n), marked('after', [two], 101n));
    await replayOf().replayIfChanged();
    expect(await values()).toEqual([undefined, 'old']);
  });

  it('takes what was marked after the change as well, where there were other servers: one may still take writes', async () => {
    const replay = replayOf();
    await replay.replayIfChanged();
    servers = 'second';
    commits(marked('after', [two], 101n));
    expect(await replay.replayIfChanged()).toBe(1);
    expect(await values()).toEqual(['old', undefined]);
  });

  it.each(['identity', 'readEntries', 'settle', 'commit'] as const)('begins again when %s fails', async (operation) => {
    const replay = replayOf();
    commits(marked('lately', [one]));
    process.store.next(operation, 'refuse');
    await expect(replay.replayIfChanged()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await replay.replayIfChanged();
    expect(await values()).toEqual([undefined, 'old']);
    expect(await replay.replayIfChanged()).toBe(0);
  });

  it('G45: ends while a replica is behind, and does not make void what is committed later', async () => {
    const replay = replayOf();
    await replay.replayIfChanged();
    servers = 'second';
    process.store.always('commit', async (run) => {
      await run();
      throw new ReplicasBehindError('1 of 2 replicas acknowledged it');
    });
    await replay.replayIfChanged();
    commits(marked('later', [one]));
    expect(await replay.replayIfChanged()).toBe(0);
    expect(await values()).toEqual(['old', 'old']);
  });
});

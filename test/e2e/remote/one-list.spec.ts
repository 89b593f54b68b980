import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { type RedisServer, startRedisServer } from '../../support/servers/redis-server.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import { readingsIn, tornReadings } from './price-readings.js';
import type { calls, Death } from './workers/pricing.worker.js';

const WORKER = new URL('./workers/pricing.worker.ts', import.meta.url);

type Node = Worker<typeof calls>;

type Kill = readonly [what: string, role: 'owner' | 'other', death: Death, outcome: 'old' | 'new'];

/** Each needs processes to kill, which take longest of all: the last three wait for `CACHE_TXN_KILLS=all` (CONTRIBUTING). */
const ALL_KILLS: readonly Kill[] = [
  ['the owner before the decision', 'owner', { operation: 'decide', when: 'before', nth: 1 }, 'old'],
  ['the owner after the decision', 'owner', { operation: 'decide', when: 'after', nth: 1 }, 'new'],
  ['a node after its vote', 'other', { operation: 'answerRoll', when: 'after', nth: 1 }, 'new'],
  ['a node before its vote', 'other', { operation: 'answerRoll', when: 'before', nth: 1 }, 'new'],
  ['a node before it has said that it has acted', 'other', { operation: 'answerRoll', when: 'before', nth: 2 }, 'new'],
  ['the owner when it has told the outcome', 'owner', { operation: 'concludeRoll', when: 'after', nth: 1 }, 'new'],
];
const KILLS = process.env['CACHE_TXN_KILLS'] === 'all' ? ALL_KILLS : ALL_KILLS.slice(0, 3);

describe('a price list in the memory of three processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cache-txn-prices-'));
  const files: string[] = [];
  const nodes: Node[] = [];
  let server: RedisServer;
  let list = 0;

  beforeAll(async () => {
    server = await startRedisServer();
    nodes.push(...(await Promise.all([node(), node(), node()])));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(nodes.map((each) => each.stop()));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function node(): Promise<Node> {
    const file = join(folder, `${files.length}`);
    files.push(file);
    writeFileSync(file, '');
    const worker = await startWorker<typeof calls>(WORKER);
    await worker.call('start', storeOptions(server), 'shop', file);
    return worker;
  }

  function alive(): Node[] {
    return nodes.filter((each) => !each.hasEnded());
  }

  /** All processes show the same list, the one that the cache has. */
  async function expectOneList(): Promise<number> {
    const [first, ...others] = alive();
    const cached = await first!.call('cached');
    await eventually(
      async () => {
        const shown = await Promise.all([first!, ...others].map((each) => each.call('current')));
        expect(shown).toEqual([first!, ...others].map(() => cached));
      },
      { what: 'one list', withinMs: 10_000 },
    );
    return cached ?? 0;
  }

  function expectNothingTorn(): void {
    const readings = files.flatMap(readingsIn);
    expect(tornReadings(readings)).toEqual([]);
    expect(readings.length).toBeGreaterThan(100);
  }

  it('is switched on all of them at once, again and again, while a further process joins', async () => {
    const joined: Node[] = [];
    const joining = node().then((further) => joined.push(further));
    for (let turn = 0; joined.length === 0 || turn < 30; turn += 1) await alive()[turn % 3]!.call('switchTo', ++list);
    await joining;
    nodes.push(...joined);
    expect(await expectOneList()).toBe(list);
    expectNothingTorn();
  }, 60_000);

  it('a process that was stopped past its lease shows no old list when it goes on', async () => {
    const [owner, stopped] = alive();
    stopped!.pause();
    list += 1;
    await owner!.call('switchTo', list);
    expect(await owner!.call('current')).toBe(list);
    stopped!.resume();
    expect(await expectOneList()).toBe(list);
    expectNothingTorn();
  }, 60_000);

  it.each(KILLS)(
    'kill -9 of %s leaves one list',
    async (_what, role, death, outcome) => {
      while (alive().length < 2) nodes.push(await node());
      const [owner, other] = alive();
      const dying = role === 'owner' ? owner! : other!;
      await dying.call('dieAt', death);
      const before = list;
      list += 1;
      const switching = owner!.call('switchTo', list);
      if (role === 'owner') await expect(switching).rejects.toThrow('The worker has ended');
      else await switching;
      await dying.ended;
      expect(await expectOneList()).toBe(outcome === 'new' ? list : before);
      list += 1;
      await alive()[0]!.call('switchTo', list);
      expect(await expectOneList()).toBe(list);
      expectNothingTorn();
    },
    60_000,
  );
});

import { setTimeout as sleep } from 'node:timers/promises';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { SCRIPTS } from '../../support/proxy/fault-passage.js';
import type { LastingPostgres } from '../../support/servers/lasting-postgres.js';
import { observer } from '../../support/servers/redis-access.js';
import { kill, tell, type FailingCluster, type FailoverMode } from '../cluster/failing-cluster.js';
import { TXN_MS } from '../cluster/list-append.js';
import { between, pick } from '../seed.js';
import type { ObservedFault } from './observed.js';
import { STOCK } from './stock.js';

/** The part of the answers that nobody gets, from the store and to COMMIT. */
const [LOST_ANSWERS, LOST_COMMITS] = [0.01, 0.03];
/** What others write to a master that has little to spare: how often, how many keys at once, and how large. */
const [JUNK_WRITES, JUNK_KEYS, JUNK_BYTES] = [60, 50, 4_000];
const MOST_JUNK_WRITES = 20 * JUNK_WRITES;
/** More than the backlog of the replication may still grow: that cannot be evicted. */
const SPARE_BYTES = 4_000_000;
/** The second takes what is in use as often as the rest. */
const POLICIES = ['allkeys-lru', 'allkeys-random'] as const;

/** A writer is killed and another takes its place, one sleeps for longer than its transactions may take, and answers get lost. */
export const trouble: ObservedFault = async (scene, random) => {
  for (const proxy of scene.nodes) proxy.set({ loseReply: LOST_ANSWERS, losable: SCRIPTS });
  scene.database.set({ loseReply: LOST_COMMITS, losable: /COMMIT/ });
  const [killed, paused] = scene.living;
  paused!.pause();
  await sleep(between(random, 0, 200));
  await scene.kill(killed!);
  await Promise.all([scene.join(), sleep(between(random, 1.2 * TXN_MS, 2.5 * TXN_MS))]);
  paused!.resume();
};

/** Every connection of the writers to the database ends at once, whatever is on its way there; several times. */
export const cutConnections: ObservedFault = async (scene, random) => {
  for (let times = 0; times < 5; times += 1) {
    await sleep(between(random, 20, 150));
    scene.database.reset();
  }
};

export function databaseKilled(postgres: LastingPostgres): ObservedFault {
  return async (_scene, random) => {
    await sleep(between(random, 0, 100));
    await postgres.crash();
  };
}

export function failedOver(cluster: FailingCluster, mode: FailoverMode): ObservedFault {
  return (_scene, random) => cluster.failOver(slotInUse(random), mode);
}

/** What a master acknowledges for a while is lost with it. */
export function lostWrites(cluster: FailingCluster): ObservedFault {
  return async (_scene, random) => {
    await cluster.loseWrite(slotInUse(random), () => sleep(between(random, 50, 200)));
    await cluster.heal();
  };
}

export function killedMaster(cluster: FailingCluster): ObservedFault {
  return async (_scene, random) => {
    const { master, replica } = await cluster.shard(slotInUse(random));
    await kill(master);
    await cluster.promotionOf(replica);
    await cluster.heal();
  };
}

/** A master is full, and others write so much to it that it evicts what it has, intents and entries too. */
export function evictions(cluster: FailingCluster): ObservedFault {
  return async (scene, random) => {
    const { master } = await cluster.shard(slotInUse(random));
    const client = observer(master);
    const policy = pick(random, POLICIES);
    const numberOf = async (name: string, section: string): Promise<number> =>
      Number(new RegExp(`${name}:(\\d+)`).exec(await client.info(section))?.[1]);
    try {
      const limit = (await numberOf('used_memory', 'memory')) + SPARE_BYTES;
      await tell(master, 'CONFIG', 'SET', 'maxmemory', String(limit), 'maxmemory-policy', policy);
      const before = await numberOf('evicted_keys', 'stats');
      // The hash tag keeps the junk in one slot of this master.
      const tag = await tagOf(cluster, master.port);
      const evicted = async (): Promise<number> => (await numberOf('evicted_keys', 'stats')) - before;
      // What a server uses goes up and down: when it was high at the beginning, the limit is, too.
      for (let times = 0; times < JUNK_WRITES || ((await evicted()) === 0 && times < MOST_JUNK_WRITES); times += 1) {
        const junk = Array.from({ length: JUNK_KEYS }, (_, i) => [
          `{${tag}}:junk:${times}:${i}`,
          'j'.repeat(JUNK_BYTES),
        ]);
        await client.mset(...junk.flat());
        await sleep(between(random, 1, 15));
      }
      const total = await evicted();
      if (total === 0) throw new Error('nothing was evicted: this fault proves nothing');
      scene.tell(`${total} evicted (${policy})`);
    } finally {
      await tell(master, 'CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
      client.disconnect();
    }
  };
}

async function tagOf(cluster: FailingCluster, port: number): Promise<string> {
  for (const id of STOCK) if ((await cluster.shard(hashSlot(id))).master.port === port) return /\{(.*)\}/.exec(id)![1]!;
  throw new Error(`no row has its entry at ${port}`);
}

function slotInUse(random: () => number): number {
  return hashSlot(pick(random, STOCK));
}

import { setTimeout as sleep } from 'node:timers/promises';

import { hashSlot } from '../../../src/store/hash-slot.js';
import { MAX_SEED } from '../../../src/testing/seeded-random.js';
import { startWorker } from '../../support/processes/worker.js';
import { between, pick } from '../seed.js';
import type { calls } from '../workers/list.worker.js';
import { COMMAND_MS, type CommitFault } from './commit-scene.js';
import { kill, type FailingCluster, type FailoverMode } from './failing-cluster.js';
import { TAGS } from './list-append.js';
import { moveSlot } from './slot-migration.js';
import type { DeathStep } from './txn-member.js';

const WORKER = new URL('../workers/list.worker.ts', import.meta.url);
const SLOTS = 16_384;
/** Members that die in one play. */
const DEATHS = 6;
/** Successes while a slot is away from home. */
const AWAY = 30;
/** Of the lists of open transactions, whose numbers are their hash tags. */
const OPEN_LISTS = 16;

/**
 * Every message of a commit, and the one of those that have only one slot or only read. A death around the decision is the one
 * that matters most.
 */
const DEADLY: readonly DeathStep['operation'][] = [
  'openTransaction',
  'prepare',
  'commit',
  'decide',
  'decide',
  'settle',
  'settle',
  'retireDecision',
  'closeTransaction',
];

/** Members die at random steps of the protocol, each as soon as it gets there, and others take their places. */
export const deaths: CommitFault = async (scene, random) => {
  for (let number = 1; number <= DEATHS; number += 1) {
    const member = pick(random, scene.living);
    const died = new Promise((resolve) => member.death.addEventListener('abort', resolve, { once: true }));
    const [operation, when] = [pick(random, DEADLY), pick(random, ['before', 'after'] as const)];
    member.dieAt({ operation, when, nth: between(random, 1, 5) });
    await died;
    await scene.join(`heir ${number}`);
  }
};

/** A process of its own joins the members, and ends with SIGKILL. Its transactions are in the file. */
export function killedProcess(cluster: FailingCluster, file: string): CommitFault {
  return async ({ namespace }, random) => {
    const worker = await startWorker<typeof calls>(WORKER);
    const seed = between(random, 0, MAX_SEED);
    const options = { nodes: cluster.nodes, namespace, name: 'killed', file, seed, commandTimeoutMs: COMMAND_MS };
    await worker.call('start', options);
    await sleep(between(random, 50, 400));
    await worker.stop();
  };
}

/** A slot of lists and one of open transactions move to the next master, and home again. */
export function movingSlots(cluster: FailingCluster): CommitFault {
  return async (scene, random) => {
    for (const slot of [slotInUse(random), hashSlot(`${between(random, 0, OPEN_LISTS - 1)}`)]) {
      const { master: home } = await cluster.shard(slot);
      const { master: next } = await cluster.shard((slot + SLOTS / 3) % SLOTS);
      await moveSlot(cluster, slot, home, next);
      await scene.succeed(AWAY);
      await moveSlot(cluster, slot, next, home);
    }
  };
}

export function failover(cluster: FailingCluster, mode: FailoverMode): CommitFault {
  return (_scene, random) => cluster.failOver(slotInUse(random), mode);
}

/** What a master acknowledges for a while is lost with it. */
export function lostWrites(cluster: FailingCluster): CommitFault {
  return (_scene, random) => cluster.loseWrite(slotInUse(random), () => sleep(between(random, 20, 150)));
}

export function killedMaster(cluster: FailingCluster): CommitFault {
  return async (_scene, random) => {
    const { master, replica } = await cluster.shard(slotInUse(random));
    await kill(master);
    await cluster.promotionOf(replica);
  };
}

function slotInUse(random: () => number): number {
  return hashSlot(pick(random, TAGS.flat()));
}

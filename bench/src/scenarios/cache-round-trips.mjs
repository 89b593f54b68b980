import { setTimeout as sleep } from 'node:timers/promises';
import { startRedisServer } from '../measure/redis-server.mjs';
import { median } from '../measure/statistics.mjs';
import { countTurns } from '../measure/turns.mjs';
import { openCaches } from '../peers/caches/caches.mjs';
import { productOf } from '../peers/caches/value.mjs';
import { OURS, planOf } from './scenario.mjs';

const NEAR = `${OURS}, near, frozen`;
const PEERS = ['raw', 'bentocache', 'bentocache, two tiers', 'cache-manager', 'cache-manager, two tiers'];
const MANY = 100;
const READS = 5;
/** For what follows an answer. */
const REST_MS = 5;

/**
 * What is measured, in the order of the columns.
 *
 * @typedef {{ beforeLoad: number, afterLoad: number, hit: number, manyHits: number, manyMisses: number, transaction: number }} Trips
 * @type {readonly (readonly [keyof Trips, string])[]}
 */
const COLUMNS = [
  ['beforeLoad', 'a miss, to the load'],
  ['afterLoad', 'and after it'],
  ['hit', 'a hit'],
  ['manyHits', `${MANY} keys, all there`],
  ['manyMisses', `${MANY} keys, none there`],
  ['transaction', `transaction: ${READS} reads, 1 write`],
];

/**
 * Counts and no times, so all contenders run in this process.
 *
 * @param {import('./scenario.mjs').Setting} setting
 */
export async function run(setting) {
  const { rounds } = planOf(setting, { repeats: 1, warmups: 1, rounds: 20 }, { rounds: 5 });
  const server = await startRedisServer();
  try {
    const names = [NEAR, OURS, ...PEERS];
    /** @type {Map<string, Trips[]>} */
    const samples = new Map();
    for (const [i, name] of names.entries()) {
      samples.set(name, await tripsOf(name, server.port, rounds));
      await server.client.flushall(); // Contenders of one library share their keys.
      setting.progress(i + 1, names.length);
    }
    return { ...report(samples), panels: [], samples: Object.fromEntries(samples) };
  } finally {
    await server.stop();
  }
}

/**
 * @param {string} name
 * @param {number} port
 * @param {number} rounds
 */
async function tripsOf(name, port, rounds) {
  const turns = await countTurns(port);
  const caches = await openCaches(name, turns.port);
  try {
    await tripsOnce(caches, turns, 'warm'); // Connections begin, and the server learns the scripts.
    const trips = [];
    for (let round = 0; round < rounds; round += 1) trips.push(await tripsOnce(caches, turns, `round-${round}`));
    return trips;
  } finally {
    await caches.close();
    await turns.close();
  }
}

/**
 * @param {import('../peers/caches/caches.mjs').Caches} caches
 * @param {Awaited<ReturnType<typeof countTurns>>} turns
 * @param {string} prefix of keys that nobody has used
 * @returns {Promise<Trips>}
 */
async function tripsOnce(caches, turns, prefix) {
  const product = productOf(1);
  const loadMany = async (/** @type {readonly string[]} */ keys) => new Map(keys.map((key) => [key, product]));
  const during = async (/** @type {() => Promise<unknown>} */ work) => {
    await sleep(REST_MS);
    turns.take();
    await work();
    return turns.take();
  };
  const one = `${prefix}:one`;
  const many = Array.from({ length: MANY }, (_, i) => `${prefix}:many-${i}`);
  let beforeLoad = NaN;
  const load = () => {
    beforeLoad = turns.take();
    return product;
  };
  const afterLoad = await during(() => caches.getOrLoad(one, load));
  const hit = await during(() => caches.getOrLoad(one, load));
  const manyMisses = await during(() => caches.getMany(many, loadMany));
  const manyHits = await during(() => caches.getMany(many, loadMany));
  const hot = many.slice(0, READS);
  await sleep(REST_MS); // What is told of the load must not end what is read now.
  for (const key of hot) await caches.getOrLoad(key, () => product);
  const { transact } = caches;
  const transaction = transact === undefined ? NaN : await during(() => transact(hot, `${prefix}:sum`));
  return { beforeLoad, afterLoad, hit, manyHits, manyMisses, transaction };
}

/**
 * @param {Map<string, Trips[]>} samples
 */
function report(samples) {
  const of = (/** @type {string} */ name, /** @type {keyof Trips} */ what) =>
    (samples.get(name) ?? []).map((trips) => trips[what]);
  const middle = (/** @type {string} */ name, /** @type {keyof Trips} */ what) => median(of(name, what));
  const cell = (/** @type {string} */ name, /** @type {keyof Trips} */ what) => {
    const most = Math.max(...of(name, what));
    if (Number.isNaN(most)) return '–';
    return most === middle(name, what) ? `${most}` : `${middle(name, what)} (most ${most})`;
  };
  const [beforeLoad, afterLoad] = [middle(OURS, 'beforeLoad'), middle(OURS, 'afterLoad')];
  const goals = [
    {
      what: 'a miss, round trips',
      goal: '1 + load + 1',
      figure: `${beforeLoad} + load + ${afterLoad}`,
      isReached: beforeLoad === 1 && afterLoad === 1,
    },
    oneTrip(`${MANY} keys in one getOrLoadMany, all there`, middle(OURS, 'manyHits')),
  ];
  goals.push(oneTrip(`a transaction of ${READS} near reads and 1 write`, middle(NEAR, 'transaction')));
  const note = 'Without a near cache each read of the transaction is a round trip of its own.';
  return {
    goals,
    tables: [
      {
        title: 'Round trips',
        columns: ['', ...COLUMNS.map(([, title]) => title)],
        rows: [...samples.keys()].map((name) => [name, ...COLUMNS.map(([what]) => cell(name, what))]),
        note,
      },
    ],
  };
}

/**
 * @param {string} what
 * @param {number} trips
 */
function oneTrip(what, trips) {
  return { what, goal: '1 round trip', figure: `${trips}`, isReached: trips === 1 };
}

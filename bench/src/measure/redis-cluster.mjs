import { default as slotOf } from 'cluster-key-slot';
import { until } from './clock.mjs';
import { freePort, LOOPBACK } from './own-server.mjs';
import { startRedisServer } from './redis-server.mjs';

/** @typedef {{ host: string, port: number }} Node */

const MASTERS = 3;
const SLOTS = 16_384;

/** A Redis Cluster of the bench's own: three masters without replicas, each with a third of the slots. */
export async function startRedisCluster() {
  const starts = await Promise.allSettled(Array.from({ length: MASTERS }, startMaster));
  const servers = starts.filter((start) => start.status === 'fulfilled').map(({ value }) => value);
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    await introduce(servers);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    servers,
    /** As ioredis' `Cluster` takes them. @type {readonly Node[]} */
    nodes: servers.map(({ port }) => ({ host: LOOPBACK, port })),
    /** CPU time of all servers so far, in microseconds. */
    async cpuUs() {
      const each = await Promise.all(servers.map((server) => server.cpuUs()));
      return each.reduce((sum, us) => sum + us, 0);
    },
    /** A connection to the server that has the slot of a key. */
    clientOf: (/** @type {string} */ key) => servers[masterOf(key)]?.client,
    stop,
  };
}

/**
 * Which of the three masters has the slot of a key.
 *
 * @param {string} key with its hash tag, if any
 */
export function masterOf(key) {
  return Math.floor((slotOf(key) * MASTERS) / SLOTS);
}

/**
 * Names that are hash tags, so that whatever a contender puts before them leaves them in the same slot: the first is of the
 * first master, the second of the second, the fourth of the first again, each in a slot of its own.
 *
 * @param {number} count
 * @param {string} prefix
 */
export function namesOverMasters(count, prefix) {
  const names = [];
  const slots = new Set();
  for (let n = 0; names.length < count; n += 1) {
    const name = `{${prefix}-${n}}`;
    if (masterOf(name) !== names.length % MASTERS || slots.has(slotOf(name))) continue;
    slots.add(slotOf(name));
    names.push(name);
  }
  return names;
}

async function startMaster() {
  // Beside the port, because the usual one, 10,000 above, may be no port at all.
  const bus = String(await freePort());
  return { ...(await startRedisServer(['--cluster-enabled', 'yes', '--cluster-port', bus])), bus };
}

/** @param {readonly Awaited<ReturnType<typeof startMaster>>[]} servers */
async function introduce(servers) {
  await Promise.all(
    servers.map(async ({ client }, i) => {
      const [from, end] = [i, i + 1].map((n) => Math.ceil((SLOTS * n) / MASTERS));
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(Number(end) - 1));
      // Equal epochs would collide, and settling that costs seconds.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    }),
  );
  const [first, ...others] = servers;
  for (const { port, bus } of others) await first?.client.call('CLUSTER', 'MEET', LOOPBACK, String(port), bus);
  for (const { client } of servers) {
    const knowsAll = async () => {
      const nodes = String(await client.call('CLUSTER', 'NODES'));
      const masters = nodes.split('\n').filter((line) => /\bmaster -.* connected \d/.test(line));
      return masters.length === MASTERS && String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok');
    };
    await until(knowsAll, 'a cluster of three masters', { everyMs: 20, withinMs: 15_000 });
  }
}

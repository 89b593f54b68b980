import { until } from './clock.mjs';

/** @typedef {import('ioredis').Redis} Redis */

/** What the bench itself sends while it counts. */
const OWN = ['ECHO', 'INFO'];

/**
 * The commands that clients sent to any of the servers while `work` ran, by name, whatever followed its answers included; what
 * scripts call is left out, and so are the bench's own.
 *
 * @param {readonly Redis[]} servers a connection to each
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Record<string, number>>}
 */
export async function commandsDuring(servers, work) {
  // A client of ioredis that begins to monitor fails when something else runs in that moment.
  await quiet(servers);
  const monitors = await Promise.all(servers.map(monitored));
  await work();
  await quiet(servers);
  const seen = await Promise.all(monitors.map((end) => end()));
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of seen.flat().filter((name) => !OWN.includes(name))) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/**
 * All of them, whatever their names.
 *
 * @param {Record<string, number>} counts
 */
export function sumOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/**
 * Notes what clients send from now on; the answer ends that and gives the names.
 *
 * @param {Redis} client
 * @returns {Promise<() => Promise<readonly string[]>>}
 */
async function monitored(client) {
  /** @type {string[]} */
  const names = [];
  const marker = `end-of-count-${process.pid}-${performance.now()}`;
  const monitor = await client.monitor();
  const isSeen = new Promise((resolve) => {
    monitor.on('monitor', (_time, args, source) => {
      if (source !== 'lua') names.push(String(args[0]).toUpperCase());
      if (args[1] === marker) resolve(undefined);
    });
  });
  return async () => {
    await client.echo(marker);
    await isSeen;
    monitor.disconnect();
    return names;
  };
}

/**
 * Until nothing follows the last answer any more: between two looks the servers ran nothing but the look.
 *
 * @param {readonly Redis[]} servers
 */
async function quiet(servers) {
  let before = NaN;
  const isQuiet = async () => {
    const stats = await Promise.all(servers.map((client) => client.info('stats')));
    const now = stats.reduce((sum, text) => sum + Number(/total_commands_processed:(\d+)/.exec(text)?.[1]), 0);
    const ran = now - before;
    before = now;
    return ran === servers.length;
  };
  await until(isQuiet, 'servers that run nothing', { everyMs: 30 });
}

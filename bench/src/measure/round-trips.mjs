/**
 * The commands that clients sent while `work` ran, by name; what scripts call is left out, and so are the bench's own.
 *
 * @param {import('ioredis').Redis} client
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Record<string, number>>}
 */
export async function commandsDuring(client, work) {
  /** @type {Record<string, number>} */
  const counts = {};
  const monitor = await client.monitor();
  monitor.on('monitor', (_time, args, source) => {
    const name = String(args[0]).toUpperCase();
    if (source !== 'lua') counts[name] = (counts[name] ?? 0) + 1;
  });
  const marker = `end-of-count-${process.pid}-${performance.now()}`;
  const seen = new Promise((resolve) => {
    monitor.on('monitor', (_time, args) => args[1] === marker && resolve(undefined));
  });
  await work();
  await client.echo(marker);
  await seen;
  monitor.disconnect();
  delete counts['ECHO'];
  return counts;
}

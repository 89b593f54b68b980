import { openLocks } from '../peers/locks/locks.mjs';

/** Names in use at a time, over which a worker goes round and round. */
const NAMES = 1_000;

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const locks = await openLocks(contender, port);
  const names = Array.from({ length: NAMES }, (_, i) => `order:${i}`);
  let next = 0;

  /** Acquires and releases for `ms`, or `count` times, `atOnce` at a time. */
  async function round({ ms = Infinity, count = Infinity, atOnce }) {
    let pairs = 0;
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const endsAtMs = startedMs + ms;
    const lane = async () => {
      while (pairs < count && performance.now() < endsAtMs) {
        const held = await locks.acquire(names[next++ % NAMES] ?? '');
        await locks.release(held);
        pairs += 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    const tookMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    return { pairs, perSecond: (pairs / tookMs) * 1_000, clientCpuUs: (user + system) / pairs };
  }

  return { round, close: () => locks.close() };
}

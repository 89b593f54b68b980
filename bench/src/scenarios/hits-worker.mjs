import { setImmediate as nextTurn } from 'node:timers/promises';
import { openCaches } from '../peers/caches/caches.mjs';
import { productOf, products } from '../peers/caches/value.mjs';

/** Over which a worker goes round and round. */
const KEYS = 500;

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const caches = await openCaches(contender, port);
  const all = products(KEYS);
  const never = () => {
    throw new Error(`${contender} has not found what was there`);
  };
  for (const { key, number } of all) await caches.set(key, productOf(number));
  for (const { key } of all) await caches.getOrLoad(key, never); // Into the memory of this process, for who has one.
  let next = 0;

  /**
   * Hits for `ms`, or `count` of them, `atOnce` at a time. The clock is looked at, and whatever else waits in this process has its turn, after each
   * `perLook` of a lane.
   *
   * @param {{ ms?: number, count?: number, atOnce: number, perLook?: number }} round
   */
  async function round({ ms = Infinity, count = Infinity, atOnce, perLook = 1 }) {
    let hits = 0;
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const endsAtMs = startedMs + ms;
    const lane = async () => {
      while (hits < count && performance.now() < endsAtMs) {
        for (let i = 0; i < perLook; i += 1) {
          const { key, number } = all[next++ % KEYS] ?? { key: '', number: NaN };
          const found = await caches.getOrLoad(key, never);
          if (found?.id !== number) throw new Error(`${contender} gave ${found?.id} for ${key}`);
        }
        hits += perLook;
        if (perLook > 1) await nextTurn();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    const tookMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    return { hits, perSecond: (hits / tookMs) * 1_000, clientCpuUs: (user + system) / hits };
  }

  return { round, close: () => caches.close() };
}

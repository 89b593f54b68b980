import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from '../measure/clock.mjs';
import { openCaches } from '../peers/caches/caches.mjs';
import { productOf } from '../peers/caches/value.mjs';

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const caches = await openCaches(contender, port);
  const product = productOf(1);
  return {
    /**
     * So many calls for one missing key, at a moment that all processes know.
     *
     * @param {{ key: string, calls: number, loadMs: number, atMs: number }} rush
     */
    async rush({ key, calls, loadMs, atMs }) {
      let loads = 0;
      const load = async () => {
        loads += 1;
        await sleep(loadMs);
        return product;
      };
      await sleep(Math.max(0, atMs - machineMs()));
      const found = await Promise.all(Array.from({ length: calls }, () => caches.getOrLoad(key, load)));
      const tookMs = machineMs() - atMs;
      if (found.some((value) => value?.id !== product.id)) throw new Error(`${contender}: a caller has no value`);
      return { loads, tookMs };
    },
    close: () => caches.close(),
  };
}

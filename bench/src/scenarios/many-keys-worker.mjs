import { median } from '../measure/statistics.mjs';
import { openCaches } from '../peers/caches/caches.mjs';
import { productOf, products } from '../peers/caches/value.mjs';

/** @param {{ contender: string, port: number, keys: number }} config */
export async function open({ contender, port, keys: count }) {
  const caches = await openCaches(contender, port);
  const all = products(count);
  const keys = all.map(({ key }) => key);
  const never = () => {
    throw new Error(`${contender} has not found what was there`);
  };
  for (const { key, number } of all) await caches.set(key, productOf(number));

  async function inOneCall() {
    const found = await caches.getMany(keys, never);
    if (found !== count) throw new Error(`${contender} found ${found} of ${count}`);
  }

  async function oneByOne() {
    for (const { key, number } of all)
      if ((await caches.getOrLoad(key, never))?.id !== number) throw new Error(`${contender}: not ${key}`);
  }

  /** Both in turn, for `ms`; the median of each in milliseconds. @param {number} ms */
  async function round(ms) {
    const took = { inOneCall: /** @type {number[]} */ ([]), oneByOne: /** @type {number[]} */ ([]) };
    const endsAtMs = performance.now() + ms;
    do {
      took.inOneCall.push(await timed(inOneCall));
      took.oneByOne.push(await timed(oneByOne));
    } while (performance.now() < endsAtMs);
    return { inOneCallMs: median(took.inOneCall), oneByOneMs: median(took.oneByOne) };
  }

  return { round, close: () => caches.close() };
}

/** @param {() => Promise<void>} work */
async function timed(work) {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

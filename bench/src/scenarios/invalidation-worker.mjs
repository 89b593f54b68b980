import { setImmediate as nextTurn } from 'node:timers/promises';
import { machineMs, until } from '../measure/clock.mjs';
import { openCaches } from '../peers/caches/caches.mjs';
import { productOf } from '../peers/caches/value.mjs';

/** A process that has not seen a write after this long will not. */
const MOST_MS = 10_000;
const OLD = 1;
const NEW = 2;

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const caches = await openCaches(contender, port);
  /** @type {Promise<number> | undefined} */
  let seeing;

  /** Reads again and again, one read a turn of the event loop; gives the moment that the revision is no longer the old one. */
  async function see(/** @type {string} */ key) {
    const endsAtMs = machineMs() + MOST_MS;
    for (;;) {
      const revision = (await caches.get(key))?.revision;
      const atMs = machineMs();
      if (revision !== OLD) return atMs;
      if (atMs > endsAtMs) throw new Error(`${contender} still has the old value after ${MOST_MS} ms`);
      await nextTurn();
    }
  }

  return {
    prepare: (/** @type {string} */ key) => caches.set(key, productOf(1, OLD)),
    /** Takes the value into memory, where `reads` of it ask nobody. */
    async keep(/** @type {string} */ key, /** @type {number} */ reads) {
      const load = () => productOf(1, OLD);
      await until(async () => (await caches.getOrLoad(key, load))?.revision === OLD, `the old value of ${key}`);
      for (let i = 0; i < reads; i += 1) await caches.get(key);
    },
    /** Begins to look; its moment is what `seen` gives. */
    async watch(/** @type {string} */ key) {
      seeing = see(key);
      seeing.catch(() => undefined); // `seen` rejects with it.
      await nextTurn();
    },
    seen: () => seeing,
    /** The moments before the call and after its answer. @param {string} key @param {'set' | 'delete'} how */
    async write(key, how) {
      const sentAt = machineMs();
      await (how === 'set' ? caches.set(key, productOf(1, NEW)) : caches.remove(key));
      return { sentAt, answeredAt: machineMs() };
    },
    close: () => caches.close(),
  };
}

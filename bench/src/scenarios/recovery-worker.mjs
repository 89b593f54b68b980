import { FaultInjectingStore, gate } from 'nestjs-cache-txn/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from '../measure/clock.mjs';
import { openLibrary } from '../peers/library.mjs';

const BETWEEN_READS_MS = 5;

/**
 * One process of the application: it commits, and may stop for ever in the middle of that, or it reads.
 *
 * @param {{ nodes: readonly import('../measure/redis-cluster.mjs').Node[], txn: object }} config
 */
export async function open({ nodes, txn }) {
  /** @type {FaultInjectingStore | undefined} */
  let store;
  const around = (/** @type {any} */ inner) => (store = new FaultInjectingStore(inner));
  const { cache, close } = await openLibrary({ nodes, txn, around });
  let isReading = false;
  /** @type {Promise<any> | undefined} */
  let reading;

  const write = (/** @type {readonly string[]} */ names, /** @type {string} */ value) =>
    cache.setMany(new Map(names.map((name) => [name, value])));
  const read = async (/** @type {readonly string[]} */ names) => [...(await cache.getMany([...names])).values()];

  return {
    write,
    read,
    /** Commits up to this step, before which it stays. */
    async writeUpTo(/** @type {any} */ step, /** @type {readonly string[]} */ names, /** @type {string} */ value) {
      const closed = gate();
      store?.always(step, closed.before);
      void write(names, value).catch(() => undefined);
      await closed.reached;
    },
    /** Reads them all, again and again, until it is told to stop. @param {string} expected of each of them */
    startReading(/** @type {readonly string[]} */ names, expected) {
      isReading = true;
      reading = (async () => {
        /** @type {number[]} */
        const latencies = [];
        let wrong = 0;
        while (isReading) {
          const beganMs = machineMs();
          const values = await read(names);
          latencies.push(machineMs() - beganMs);
          if (values.length !== names.length || values.some((value) => value !== expected)) wrong += 1;
          await sleep(BETWEEN_READS_MS);
        }
        return { latencies, wrong };
      })();
    },
    stopReading() {
      isReading = false;
      return reading;
    },
    /** What one read of one key asks the store, one after the other. */
    async roundTripsOfRead(/** @type {string} */ name) {
      /** @type {string[]} */
      const asked = [];
      for (const step of /** @type {const} */ (['readEntries', 'askDecision', 'settle'])) {
        store?.always(step, (run) => {
          asked.push(step);
          return run();
        });
      }
      await cache.get(name);
      store?.clear();
      return asked;
    },
    close,
  };
}

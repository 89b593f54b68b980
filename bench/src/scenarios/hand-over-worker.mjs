import { machineMs } from '../measure/clock.mjs';
import { openLocks } from '../peers/locks/locks.mjs';

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const locks = await openLocks(contender, port);
  /** @type {any} */
  let held;
  /** @type {Promise<{ lock: any, at: number }> | undefined} */
  let waiting;

  const worker = {
    async take(/** @type {string} */ name) {
      held = await locks.acquire(name);
    },
    /** Begins to wait; resolves when the server has seen it. */
    async wait(/** @type {string} */ name) {
      waiting = locks.acquire(name).then((lock) => ({ at: machineMs(), lock }));
      await locks.arrived(name, 1);
    },
    /** The moment before the release was called. */
    async release() {
      const lock = held;
      const at = machineMs();
      await locks.release(lock);
      return at;
    },
    /** The moment the waiter went on; it holds the lock then. */
    async resumed() {
      const { lock, at } = (await waiting) ?? { lock: undefined, at: NaN };
      held = lock;
      return at;
    },
    close: () => locks.close(),
  };
  return worker;
}

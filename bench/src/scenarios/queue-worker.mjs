import { setTimeout as sleep } from 'node:timers/promises';
import { machineMs } from '../measure/clock.mjs';
import { openLocks } from '../peers/locks/locks.mjs';

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const locks = await openLocks(contender, port);
  /** @type {Promise<object>[]} */
  let waiting = [];
  /** @type {any} */
  let blocking;

  /**
   * @param {string} name
   * @param {number} place
   * @param {number} holdMs
   */
  async function wait(name, place, holdMs) {
    const held = await locks.acquire(name);
    const grantedAt = machineMs();
    await sleep(holdMs);
    const releasedAt = machineMs();
    await locks.release(held);
    return { place, grantedAt, releasedAt, doneAt: machineMs() };
  }

  return {
    async block(/** @type {string} */ name) {
      blocking = await locks.acquire(name);
    },
    /** Lets one more waiter queue; resolves when the server has seen it. */
    async enqueue(/** @type {string} */ name, /** @type {number} */ place, /** @type {number} */ holdMs) {
      waiting.push(wait(name, place, holdMs));
      await locks.arrived(name, place + 1);
    },
    /** Opens the way; gives the moment before it did. */
    async unblock() {
      const at = machineMs();
      await locks.release(blocking);
      return at;
    },
    async finish() {
      const served = await Promise.all(waiting);
      waiting = [];
      return served;
    },
    close: () => locks.close(),
  };
}

import { machineMs } from '../measure/clock.mjs';
import { openLocks } from '../peers/locks/locks.mjs';

/** @param {{ contender: string, port: number }} config */
export async function open({ contender, port }) {
  const locks = await openLocks(contender, port);
  /** @type {number | undefined} */
  let toldAt;
  return {
    hold: (/** @type {string} */ name, /** @type {number} */ leaseMs) =>
      locks.hold(name, leaseMs, () => {
        toldAt ??= machineMs();
      }),
    /** The earliest moment at which the server's lease may end. */
    async leaseEndsAt(/** @type {string} */ name) {
      const askedAt = machineMs();
      return askedAt + (await locks.expiresInMs(name));
    },
    toldAt: () => toldAt,
    close: () => locks.close(),
  };
}

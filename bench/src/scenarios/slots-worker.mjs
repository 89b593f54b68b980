import { profileOf } from '../measure/profile.mjs';
import { namesOverMasters } from '../measure/redis-cluster.mjs';
import { quantile } from '../measure/statistics.mjs';
import { openWrites } from '../peers/slots/slots.mjs';

/** More than are written while what follows an answer is still on its way. */
const NAMES = 999;

/** @param {{ contender: string, slots: number, nodes: readonly import('../peers/slots/slots.mjs').Node[] }} config */
export async function open({ contender, slots, nodes }) {
  const writes = await openWrites(contender, nodes);
  const names = namesOverMasters(NAMES, 'account');
  let next = 0;

  /** One after the other. @param {{ count: number }} load */
  async function round({ count }) {
    /** @type {number[]} */
    const latencies = [];
    const cpu = process.cpuUsage();
    for (let i = 0; i < count; i += 1) {
      const some = Array.from({ length: slots }, (_, n) => names[(next + n) % NAMES] ?? '');
      next += slots;
      const value = { owner: `user-${next}`, balance: next };
      const beganMs = performance.now();
      await writes.write(some, value);
      latencies.push(performance.now() - beganMs);
    }
    const { user, system } = process.cpuUsage(cpu);
    return {
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      clientCpuUs: (user + system) / count,
    };
  }

  return {
    round,
    profile: (/** @type {{ count: number }} */ load) => profileOf(() => round(load)),
    close: () => writes.close(),
  };
}

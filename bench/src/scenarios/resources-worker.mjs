import { chance } from '../measure/chance.mjs';
import { profileOf } from '../measure/profile.mjs';
import { openLibrary } from '../peers/library.mjs';

const KEYS = 10_000;

/** @param {{ port: number | undefined }} config undefined: the memory store */
export async function open({ port }) {
  const { locks, coordinator, cache, close } = await openLibrary({ port });
  for (let i = 0; i < KEYS; i += 100) {
    await cache.setMany(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`account-${i + n}`, 0])));
  }
  const random = chance(1);
  const key = () => `account-${Math.floor(random() * KEYS)}`;
  let names = 0;

  const calls = {
    /** One read and one write of the same key. */
    transaction: () => {
      const name = key();
      return coordinator.runWithRetry(async () => cache.set(name, ((await cache.get(name)) ?? 0) + 1));
    },
    /** Acquire and release of a name that was never used before and never is again. */
    lock: async () => (await locks.acquire(`job-${(names += 1)}`)).release(),
  };

  /** @param {{ what: keyof typeof calls, count: number, atOnce: number }} load */
  async function run({ what, count, atOnce }) {
    let left = count;
    const lane = async () => {
      while (left > 0) {
        left -= 1;
        await calls[what]();
      }
    };
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: atOnce }, lane));
    const { user, system } = process.cpuUsage(cpu);
    return { tookMs: performance.now() - startedMs, cpuUs: user + system };
  }

  return {
    run,
    profile: (/** @type {Parameters<typeof run>[0]} */ load) => profileOf(() => run(load)),
    /** Bytes in use after everything that can be collected is. */
    async heapBytes() {
      for (let i = 0; i < 3; i += 1) {
        globalThis.gc?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage().heapUsed;
    },
    close,
  };
}

import { chance } from '../measure/chance.mjs';
import { namesOverMasters } from '../measure/redis-cluster.mjs';
import { quantile } from '../measure/statistics.mjs';
import { openTransactions } from '../peers/transactions/transactions.mjs';

const BALANCE = 1_000;
/** Requests at once while accounts are written and counted. */
const BATCH = 200;

/** @param {{ contender: string, keys: number, atOnce: number } & import('../peers/transactions/transactions.mjs').Where} config */
export async function open({ contender, keys, atOnce, ...where }) {
  const transactions = await openTransactions(contender, where, atOnce);
  const names = where.nodes
    ? namesOverMasters(keys, 'account')
    : Array.from({ length: keys }, (_, i) => `account-${keys}-${i}`);
  const random = chance(keys);
  const pick = () => Math.floor(random() * keys);

  return {
    async fill() {
      for (let i = 0; i < keys; i += BATCH) {
        const some = names.slice(i, i + BATCH);
        await Promise.all(some.map((name, n) => transactions.put(name, { owner: `user-${i + n}`, balance: BALANCE })));
      }
    },
    async round(/** @type {{ ms?: number, count?: number }} */ { ms = Infinity, count = Infinity }) {
      /** @type {number[]} */
      const latencies = [];
      let attempts = 0;
      const cpu = process.cpuUsage();
      const startedMs = performance.now();
      const endsAtMs = startedMs + ms;
      const lane = async () => {
        let commits = 0;
        for (let beganMs = performance.now(); latencies.length < count && beganMs < endsAtMs;) {
          const from = pick();
          const to = (from + 1 + Math.floor(random() * (keys - 1))) % keys;
          const took = await transactions.transfer(names[from] ?? '', names[to] ?? '');
          attempts += took;
          const nowMs = performance.now();
          latencies.push(nowMs - beganMs);
          beganMs = nowMs;
          commits += 1;
        }
        return commits;
      };
      const lanes = await Promise.all(Array.from({ length: atOnce }, lane));
      const tookMs = performance.now() - startedMs;
      const { user, system } = process.cpuUsage(cpu);
      const commits = latencies.length;
      return {
        commits,
        perSecond: (commits / tookMs) * 1_000,
        attempts: attempts / commits,
        /** Commits of each client. */
        lanes,
        p50Ms: quantile(latencies, 0.5),
        p99Ms: quantile(latencies, 0.99),
        clientCpuUs: (user + system) / commits,
      };
    },
    /** Money neither appears nor vanishes, or the contender loses updates. */
    async check() {
      let sum = 0;
      for (let i = 0; i < keys; i += BATCH) {
        const accounts = await Promise.all(names.slice(i, i + BATCH).map((name) => transactions.get(name)));
        for (const { balance } of accounts) sum += balance;
      }
      if (sum !== keys * BALANCE) throw new Error(`${contender} lost updates: ${sum} instead of ${keys * BALANCE}`);
    },
    close: () => transactions.close(),
  };
}

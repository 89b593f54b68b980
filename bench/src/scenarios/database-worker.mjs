import pg from 'pg';
import { profileOf } from '../measure/profile.mjs';
import { quantile } from '../measure/statistics.mjs';
import { ACCOUNTS, openChanges } from '../peers/database/database.mjs';

/** @typedef {{ ms?: number, count?: number, atOnce: number }} Load */

/** @param {{ contender: string } & import('../peers/database/database.mjs').Where} config */
export async function open({ contender, ...where }) {
  let statements = 0;
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = /** @type {any} */ (
    function (/** @type {any[]} */ ...args) {
      statements += 1;
      return Reflect.apply(query, /** @type {any} */ (this), args);
    }
  );
  const changes = await openChanges(contender, where);
  let balance = 0;

  /** Each of those at once has accounts of its own: what waits for a lock of a row says nothing of a commit. */
  async function round(/** @type {Load} */ { ms = Infinity, count = Infinity, atOnce }) {
    /** @type {number[]} */
    const latencies = [];
    const own = ACCOUNTS / atOnce;
    const statementsBefore = statements;
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const isOver = () => latencies.length >= count || performance.now() - startedMs >= ms;
    const lane = async (/** @type {number} */ n) => {
      for (let i = 0; !isOver(); i += 1) {
        const beganMs = performance.now();
        await changes.change(Math.floor(n * own + (i % own)), (balance += 1));
        latencies.push(performance.now() - beganMs);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, (_, n) => lane(n)));
    const tookMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    return {
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      perSecond: (latencies.length / tookMs) * 1_000,
      statements: (statements - statementsBefore) / latencies.length,
      clientCpuUs: (user + system) / latencies.length,
    };
  }

  return {
    round,
    profile: (/** @type {Load} */ load) => profileOf(() => round(load)),
    close: () => changes.close(),
  };
}

import { CacheTxnError } from '../../../src/base/errors.js';
import { redisStore } from '../../../src/redis/redis-store.js';

/** A program that starts stores without a server, says how that ended, and has nothing else to do. */
const address = { host: '127.0.0.1', port: Number(process.argv[2]) };
const context = { namespace: 'program', processLabel: 'program', report: () => undefined, warn: () => undefined };

for (const where of [
  address,
  { sentinel: { sentinels: [address], name: 'main' } },
  { cluster: { nodes: [address] } },
]) {
  await redisStore({ ...where, startTimeout: 100 })
    .start(context)
    .catch((error: unknown) => {
      process.stdout.write(`${error instanceof CacheTxnError ? error.code : String(error)}\n`);
    });
}

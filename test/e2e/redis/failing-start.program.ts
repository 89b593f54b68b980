import { CacheTxnError } from '../../../src/base/errors.js';
import { redisStore } from '../../../src/redis/redis-store.js';

/** A program that starts stores without a server, says how that ended, and has nothing else to do. */
const address = { host: '127.0.0.1', port: Number(process.argv[2]) };
const context = { namespace: 'program', processLabel: 'program', report: () => undefined, warn: () => undefined };

const places = [address, { sentinel: { sentinels: [address], name: 'main' } }, { cluster: { nodes: [address] } }];

/** A function, because this becomes CommonJS too, which has no `await` outside of one. */
async function main(): Promise<void> {
  for (const where of places) {
    await redisStore({ ...where, startTimeout: 100 })
      .start(context)
      .catch((error: unknown) => {
        process.stdout.write(`${error instanceof CacheTxnError ? error.code : String(error)}\n`);
      });
  }
}

void main();

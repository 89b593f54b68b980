import { openLibrary } from '../library.mjs';
import { moved } from './transactions.mjs';

/** Beside the defaults: nobody gives up, as in the other contenders. */
const RETRY = { retry: { attempts: 100, budget: '1m' }, timeout: '1m' };

/**
 * @param {import('./transactions.mjs').Where} where
 * @returns {Promise<import('./transactions.mjs').Transactions>}
 */
export async function open(where) {
  const { cache, coordinator, close } = await openLibrary(where);
  return {
    put: (name, account) => cache.set(name, account),
    get: async (name) => (await cache.get(name)) ?? { owner: '', balance: NaN },
    transfer: (from, to) =>
      coordinator.runWithRetry(RETRY, async ({ attempt }) => {
        const accounts = await cache.getMany([from, to]);
        const [left, right] = moved(accounts.get(from), accounts.get(to));
        await cache.setMany(
          new Map([
            [from, left],
            [to, right],
          ]),
        );
        return attempt;
      }),
    close,
  };
}

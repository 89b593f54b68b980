import { setTimeout as sleep } from 'node:timers/promises';
import { CacheTxnError } from 'nestjs-cache-txn';
import { between, pick } from '../seed.js';
import type { FaultClient } from '../client.js';
import type { Rows } from './rows.js';

/** A value in the cache: large enough that a few dozen of them fill the server. */
interface Item {
  readonly n: number;
  readonly pad: string;
}

/** Keys with the same tags, or none, that one application writes, one after the other. */
export interface Shelf {
  readonly tags: readonly string[];
  readonly keys: readonly string[];
  readonly owner: FaultClient;
}

/** What all of them work on. */
export interface Work {
  readonly rows: Rows;
  readonly shelves: readonly Shelf[];
  readonly random: () => number;
  /** The application whose plain reads may be as old as a message takes, of what others write. */
  readonly near: FaultClient;
  /** How often each action has succeeded, and failed with each code. */
  readonly tally: Map<string, number>;
  /** Whether to go on. */
  isOver(): boolean;
}

const PAD = 'x'.repeat(4_000);
/** A loader's database answers after so many ms at the most, and says what was there at the beginning. */
const SLOWEST_LOAD_MS = 6;

export const itemOf = (n: number): Item => ({ n, pad: PAD });

/** Each fourth key has no TTL, so that `volatile-*` cannot take it. */
export const ttlOf = (key: string): number => (key.endsWith('0') || key.endsWith('4') ? 0 : 60_000);

/** What the loader of a key does. */
export const loaderOf =
  ({ rows, random, tally }: Pick<Work, 'rows' | 'random' | 'tally'>, key: string) =>
  async (): Promise<Item> => {
    const n = rows.get(key);
    count(tally, 'load');
    await sleep(between(random, 0, SLOWEST_LOAD_MS));
    return itemOf(n);
  };

/** Changes the rows of a shelf, each time by another of the ways in which an entry can be replaced or ended. */
export async function write(work: Work, { tags, keys, owner }: Shelf): Promise<void> {
  const { rows, random, tally, shelves } = work;
  const { cache, coordinator } = owner;
  const put = (key: string): Promise<void> => cache.set(key, itemOf(rows.get(key)), { ttl: ttlOf(key), tags });
  const ways = {
    set: (key: string) => rows.change([key], () => put(key)),
    delete: (key: string) => rows.change([key], () => cache.delete(key)),
    invalidateAll: () =>
      rows.change(keys, () => (tags.length > 0 ? cache.invalidateTags(...tags) : cache.delete(...keys))),
    transaction: async (key: string) => {
      const seen = pick(random, pick(random, shelves).keys);
      const look = rows.look(seen);
      let n: number | undefined;
      await rows.change([key], () =>
        coordinator.run(async () => {
          n = seen === key ? undefined : (await cache.get<Item>(seen))?.n;
          await put(key);
        }),
      );
      look.judge('a transaction', n);
    },
  };
  while (!work.isOver()) {
    const way = pick(random, ['set', 'set', 'set', 'delete', 'invalidateAll', 'transaction'] as const);
    await counting(tally, way, () => ways[way](pick(random, keys)));
    await sleep(between(random, 0, 4));
  }
}

/** Reads any key of all shelves. */
export async function read(work: Work, client: FaultClient): Promise<void> {
  const { rows, random, shelves, tally } = work;
  const { cache } = client;
  while (!work.isOver()) {
    const shelf = pick(random, shelves);
    const key = pick(random, shelf.keys);
    const isCurrent = client !== work.near || shelf.owner === client;
    // Of what others write a near copy is judged at the end.
    const look = isCurrent ? rows.look(key) : { judge: () => undefined };
    const ways = {
      getOrLoad: async () => {
        const options = { ttl: ttlOf(key), tags: shelf.tags };
        look.judge('getOrLoad', (await cache.getOrLoad(key, loaderOf(work, key), options))?.n);
      },
      get: async () => {
        const item = await cache.get<Item>(key);
        if (item !== undefined) count(tally, 'hit');
        look.judge('get', item?.n);
      },
      getEntry: async () => {
        const [ask, judge] = [rows.look(key), rows.lookAtVersion(key)];
        const entry = await cache.getEntry<Item>(key);
        ask.judge('getEntry', entry?.value.n);
        if (entry !== undefined) count(tally, 'hit');
        if (entry !== undefined) judge(entry.version, entry.value.n);
      },
    };
    const way = pick(random, ['getOrLoad', 'getOrLoad', 'get', 'getEntry'] as const);
    await counting(tally, way, ways[way]);
    await sleep(between(random, 0, 2));
  }
}

async function counting(tally: Work['tally'], action: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
    count(tally, action);
  } catch (error) {
    if (!(error instanceof CacheTxnError)) throw error;
    count(tally, error.code);
  }
}

function count(tally: Work['tally'], what: string): void {
  tally.set(what, (tally.get(what) ?? 0) + 1);
}

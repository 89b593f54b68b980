/** The program of an application process of its own that changes rows and entries together, or observes both. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { seededRandom } from '../../../src/testing/seeded-random.js';
import { outcomeOf } from '../../support/history/outcome.js';
import { StalenessWatch, type StalenessFigures } from '../../support/history/staleness.js';
import { withBug, type PlantedBug } from '../database/planted-bugs.js';
import { startShop, type Shop, type ShopOptions } from '../database/shop.js';
import { changeStock, StockObserver, stockRows } from '../database/stock.js';
import { moveMoney, transferJournal, type TransferJournal } from '../database/transfers.js';

export interface ShopWorkerOptions extends Omit<ShopOptions, 'wrap'> {
  readonly table: string;
  readonly seed: number;
  readonly callers: number;
  /** What is wrong with its library. */
  readonly bug?: PlantedBug | undefined;
  /** Where its transfers go, as JSON lines. */
  readonly journal: string;
}

/** How the calls of a writer ended, and with which codes. */
export type Tallied = Readonly<Record<string, number>>;

/** Between two calls: writers and observers share the machine, and an outage must not become a tight loop of refusals. */
const MOST_PAUSE_MS = 6;

/** Of the calls of a writer. */
const TRANSFERS = 0.4;

let shop: Shop;
let options: ShopWorkerOptions;
const watch = new StalenessWatch();
const tally = new Map<string, number>();
const stopping = new AbortController();
let running: readonly Promise<void>[] = [];

/** Several callers do the same until they are told to stop. */
function work(caller: (random: () => number) => Promise<void>): void {
  running = Array.from({ length: options.callers }, async (_, number) => {
    const random = seededRandom(options.seed + number);
    while (!stopping.signal.aborted) {
      await caller(random);
      await sleep(random() * MOST_PAUSE_MS);
    }
  });
}

function count(outcome: string): void {
  tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
}

export const calls = {
  async start(given: ShopWorkerOptions): Promise<void> {
    options = given;
    const { bug } = given;
    shop = await startShop({ ...given, ...(bug && { wrap: (store) => withBug(store, bug) }) });
  },

  async write(): Promise<void> {
    const note: TransferJournal = transferJournal(options.journal);
    work(async (random) => {
      try {
        if (random() < TRANSFERS) await moveMoney(shop, options.table, randomUUID(), random, note);
        else await changeStock(shop, options.table, random);
        count('ok');
      } catch (error) {
        count(outcomeOf(error).code);
      }
    });
  },

  async observe(): Promise<void> {
    const { table } = options;
    work(async (random) => {
      const observer = new StockObserver(shop, table, watch, random);
      try {
        // The look at the end of one read is the one before the next.
        let before = await stockRows(shop.pool, table);
        while (!stopping.signal.aborted) {
          before = await observer.look(before);
          await sleep(random() * MOST_PAUSE_MS);
        }
      } catch (error) {
        count(outcomeOf(error).code);
      }
    });
  },

  async figures(): Promise<{ readonly seen: StalenessFigures; readonly tally: Tallied }> {
    return { seen: watch.figures, tally: Object.fromEntries(tally) };
  },

  /** Lets what is on its way settle, and closes the application. */
  async finish(): Promise<void> {
    stopping.abort();
    await Promise.all(running);
    await shop.close();
  },
};

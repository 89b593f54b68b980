import { setTimeout as sleep } from 'node:timers/promises';

import type { CacheTxnStore } from 'nestjs-cache-txn';

import type { LeaseOutcome, LeaseRequest } from '../../../src/store/fill-operations.js';
import type { PrepareRequest, SettleRequest, StoredEntry } from '../../../src/store/intent-operations.js';

type Overrides = Partial<Pick<CacheTxnStore, 'fill' | 'leaseFill' | 'readEntries' | 'settle' | 'prepare'>>;

/** Longer than a settlement takes, so that the moments that matter are not too rare to be met. */
const SLOW_MS = 30;
const UNANSWERED = { outcomeTtlMs: 0, guards: [] } as const;

/** Libraries with one rule of the protocol left out, which the observer has to find out. */
export const PLANTED_BUGS = {
  'an owner publishes without looking for its own intent (I7)': (store) => {
    const staged = new Map<string, PrepareRequest['operations'][number]>();
    return {
      prepare(request) {
        for (const operation of request.operations) staged.set(`${request.txnId} ${operation.key}`, operation);
        return store.prepare(request);
      },
      async settle(request) {
        await store.settle(request);
        if (request.verdict !== 'published') return;
        await sleep(SLOW_MS);
        const own = request.keys.flatMap((key) => staged.get(`${request.txnId} ${key}`) ?? []);
        const operations = own.map(({ expected: _expected, ...operation }) => operation);
        await store.commit({ txnId: `${request.txnId} again`, operations, ...UNANSWERED });
      },
    };
  },
  'a recovery rolls forward (I6)': (store) => ({
    async settle(request) {
      // Its owners are slow, so that some of them die between the first intent and the COMMIT.
      if (request.verdict === 'published') await sleep(SLOW_MS);
      await store.settle(asCommitted(request));
    },
    async prepare(request) {
      const outcome = await store.prepare(request);
      await sleep(SLOW_MS);
      return outcome;
    },
  }),
  'a fill needs no token (I3)': (store) => ({
    async fill(request) {
      const { key, strategy, ttlMs, value } = request;
      if (value === undefined) return store.fill(request);
      const operations = [{ kind: 'put', key, value, ttlMs, strategy }] as const;
      const outcome = await store.commit({ txnId: `fill ${Math.random()}`, operations, ...UNANSWERED });
      return outcome.kind === 'committed' ? { kind: 'filled', version: 1 } : { kind: 'refused' };
    },
  }),
  'a reader takes the value beside an intent (I2)': (store) => ({
    async readEntries(keys, options) {
      return (await store.readEntries(keys, options)).map((entry) => entry && withoutIntent(entry));
    },
    async leaseFill(request: LeaseRequest): Promise<LeaseOutcome> {
      const outcome = await store.leaseFill(request);
      if (outcome.kind !== 'intent' || outcome.beside.value === undefined) return outcome;
      return { kind: 'hit', value: outcome.beside.value, version: outcome.beside.version };
    },
  }),
} as const satisfies Record<string, (store: CacheTxnStore) => Overrides>;

export type PlantedBug = keyof typeof PLANTED_BUGS;

/** The store, with a bug. */
export function withBug(store: CacheTxnStore, bug: PlantedBug): CacheTxnStore {
  const overrides: Overrides = PLANTED_BUGS[bug](store);
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(name in overrides ? overrides : target, name);
      return typeof value === 'function' ? (value.bind(name in overrides ? overrides : target) as unknown) : value;
    },
  });
}

function asCommitted(request: SettleRequest): SettleRequest {
  return request.verdict === 'void' ? { ...request, verdict: 'committed' } : request;
}

function withoutIntent({ intent: _intent, ...entry }: StoredEntry): StoredEntry {
  return entry;
}

import assert from 'node:assert/strict';
import type { LeaseOutcome } from '../../store/fill-operations.js';
import type { WriteOperation } from '../../store/intent-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { LONG_MS } from './case-times.js';
import { bump, put, remove, written } from './committer.js';
import { assertRefused, fill, filledVersion, lease, leased } from './filler.js';
import { eventually, inOneSlot } from './observations.js';
import { prepared } from './preparer.js';
import type { StoreConformanceCase, StoreHarness } from './store-harness.js';

/** The hints that tell a process that a load it waits for has ended. */
export const leaseToldCases: readonly StoreConformanceCase[] = [
  {
    name: 'who waits for a lease is told when it is filled, with its token, and no other process is',
    async run(harness) {
      const key = keyIn(harness);
      const [holders, waiters] = [hearing(harness.store), hearing(harness.second)];
      await leased(harness.store, key, 'ann');
      await waiting(harness.second, key, 'ann');
      await filledVersion(harness.store, key, 'ann');
      await assertHeard(harness, waiters, key, ['ann']);
      await assertHeard(harness, holders, key, []);
    },
  },
  {
    name: 'the end of a lease is not told before the operation that caused it has returned',
    async run(harness) {
      const key = keyIn(harness);
      const { heard } = hearing(harness.store);
      await leased(harness.store, key, 'ann');
      await waiting(harness.store, key, 'ann');
      const filling = fill(harness.store, key, 'ann');
      assert.deepEqual(heard, []);
      await filling;
      await eventually(() => heard.length === 1, 'the end of the lease is heard');
    },
  },
  {
    name: 'each process that waits for a lease is told of its end once, however often it has asked',
    async run(harness) {
      const key = keyIn(harness);
      const [first, second] = [hearing(harness.store), hearing(harness.second)];
      await leased(harness.store, key, 'ann');
      for (const store of [harness.store, harness.second, harness.second, harness.store, harness.second])
        await waiting(store, key, 'ann');
      await filledVersion(harness.store, key, 'ann');
      await assertHeard(harness, first, key, ['ann']);
      await assertHeard(harness, second, key, ['ann']);
    },
  },
  {
    name: 'who waits for a lease is told when it is given back, and when a write of its key is committed or prepared',
    async run(harness) {
      const ends: readonly ((key: string) => Promise<unknown>)[] = [
        (key) => harness.store.fill({ key, token: 'ann', value: undefined, ttlMs: 0, strategy: 'timestamp' }),
        ...WRITES.map((operation) => (key: string) => written(harness, operation(key))),
        ...WRITES.map((operation) => (key: string) => prepared(harness, [operation(key)])),
      ];
      const heard = hearing(harness.second);
      for (const end of ends) {
        for (const isBare of [false, true]) {
          const key = keyIn(harness);
          if (isBare) await written(harness, bump(key));
          await leased(harness.store, key, 'ann');
          await waiting(harness.second, key, 'ann');
          await end(key);
          await assertHeard(harness, heard, key, ['ann']);
        }
      }
    },
  },
  {
    name: 'who waits for a value to be loaded anew is told as well',
    async run(harness) {
      const key = keyIn(harness);
      const heard = hearing(harness.second);
      const replaces = await written(harness, put(key, 'old'));
      const ask = (store: CacheTxnStore, token: string, tellsEnd: boolean): Promise<LeaseOutcome> =>
        store.leaseFill({ key, token, leaseMs: LONG_MS, replaces, tellsEnd });
      assert.equal((await ask(harness.store, 'ann', true)).kind, 'leased');
      assert.equal((await ask(harness.second, 'bob', true)).kind, 'busy');
      await filledVersion(harness.store, key, 'ann');
      await assertHeard(harness, heard, key, ['ann']);
    },
  },
  {
    name: 'who has not asked for it is told nothing, and neither is anybody of a fill that is refused',
    async run(harness) {
      const [quiet, kept] = inOneSlot(harness, 2) as readonly [string, string];
      const heard = hearing(harness.second);
      await leased(harness.store, quiet, 'ann');
      assert.equal((await lease(harness.second, quiet, 'bob')).kind, 'busy');
      await filledVersion(harness.store, quiet, 'ann');
      await leased(harness.store, kept, 'cid');
      await waiting(harness.second, kept, 'cid');
      await assertRefused(harness.store, kept, 'ann');
      await assertHeard(harness, heard, kept, []);
      await filledVersion(harness.store, kept, 'cid');
      await assertHeard(harness, heard, kept, ['cid']);
    },
  },
  {
    name: 'the next lease of a key tells nobody who waited for the one before',
    async run(harness) {
      const key = keyIn(harness);
      const heard = hearing(harness.second);
      await leased(harness.store, key, 'ann');
      await waiting(harness.second, key, 'ann');
      await fill(harness.store, key, 'ann', { value: undefined });
      await leased(harness.store, key, 'cid');
      await filledVersion(harness.store, key, 'cid');
      await assertHeard(harness, heard, key, ['ann']);
    },
  },
  {
    name: 'who waits for a lease changes nothing about it: not its holder, its fill nor its end',
    async run(harness) {
      const key = keyIn(harness);
      await leased(harness.store, key, 'ann');
      await waiting(harness.second, key, 'ann');
      await leased(harness.store, key, 'ann');
      assert.equal((await harness.store.readEntries([key]))[0], undefined);
      const version = await filledVersion(harness.store, key, 'ann', { value: 'loaded' });
      assert.deepEqual(await lease(harness.second, key, 'bob'), { kind: 'hit', value: 'loaded', version });
    },
  },
  {
    name: 'every listener hears of the end of a lease until it unsubscribes',
    async run(harness) {
      const heard: string[] = [];
      const stop = harness.second.onLeaseEnd(({ token }) => heard.push(`a ${token}`));
      harness.second.onLeaseEnd(({ token }) => heard.push(`b ${token}`));
      const ended = async (token: string): Promise<void> => {
        const key = keyIn(harness);
        await leased(harness.store, key, token);
        await waiting(harness.second, key, token);
        await filledVersion(harness.store, key, token);
        await eventually(() => heard.includes(`b ${token}`), 'the other listener hears it');
      };
      await ended('ann');
      stop();
      stop();
      await ended('cid');
      assert.deepEqual(heard, ['a ann', 'b ann', 'b cid']);
    },
  },
];

/** What ends a lease in passing. */
const WRITES: readonly ((key: string) => WriteOperation)[] = [(key) => put(key, 'written'), bump, remove];

/** What a process hears of the ends of leases. */
interface Hearing {
  readonly store: CacheTxnStore;
  readonly heard: string[];
}

function hearing(store: CacheTxnStore): Hearing {
  const heard: string[] = [];
  store.onLeaseEnd(({ token }) => heard.push(token));
  return { store, heard };
}

function keyIn(harness: StoreHarness): string {
  return inOneSlot(harness, 1)[0] ?? '';
}

/** Finds the lease of `holder`, and asks to be told of its end. */
async function waiting(store: CacheTxnStore, key: string, holder: string): Promise<void> {
  const outcome = await store.leaseFill({ key, token: `for-${holder}`, leaseMs: LONG_MS, tellsEnd: true });
  assert(
    outcome.kind === 'busy' && outcome.token === holder,
    `${holder} is loading, but the answer is ${outcome.kind}`,
  );
}

/** States that a process has heard of these ends and of no other by the time that it hears of one that comes after them in the slot of `key`. */
async function assertHeard(
  { store: holder, uniqueName }: StoreHarness,
  { store, heard }: Hearing,
  key: string,
  expected: readonly string[],
): Promise<void> {
  const last = uniqueName('last');
  await leased(holder, `${key}:${last}`, last);
  await waiting(store, `${key}:${last}`, last);
  await filledVersion(holder, `${key}:${last}`, last);
  await eventually(() => heard.includes(last), 'the end of a later lease is heard');
  assert.deepEqual(heard.splice(0), [...expected, last]);
}

import { AssertionError } from 'node:assert';
import type { LockInfo } from '../../store/lock-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { FaultInjectingStore } from '../faults/fault-injecting-store.js';
import { until, type UntilOptions } from '../until.js';

/**
 * The locks that somebody holds in the namespace of the store, by any node, sorted by name; names that `minHold` keeps
 * blocked are among them, with no owner. Faults do not reach this look.
 */
export async function heldLocks(store: CacheTxnStore): Promise<readonly LockInfo[]> {
  const locks: LockInfo[] = [];
  for await (const lock of behindFaults(store).listLocks('*')) locks.push(lock);
  return locks.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * States that all these names are held, whatever else is.
 * @throws AssertionError that says who holds what
 */
export async function expectHeld(store: CacheTxnStore, ...names: readonly string[]): Promise<void> {
  const held = await heldLocks(store);
  const missing = names.filter((name) => !held.some((lock) => lock.name === name));
  if (missing.length === 0) return;
  throw new AssertionError({
    message: `nobody holds ${missing.join(', ')}; ${described(held)}`,
    actual: held.map(({ name }) => name),
    expected: [...names].sort(),
    operator: 'expectHeld',
  });
}

/**
 * States that nobody holds a lock in the namespace of the store.
 * @throws AssertionError that says who holds what
 */
export async function expectNothingHeld(store: CacheTxnStore): Promise<void> {
  const held = await heldLocks(store);
  if (held.length === 0) return;
  throw new AssertionError({
    message: `no lock should be held, but ${described(held)}`,
    actual: held.map(({ name }) => name),
    expected: [],
    operator: 'expectNothingHeld',
  });
}

/**
 * Waits, in real time, until at least `count` callers wait for the lock; a test that then moves its clock knows that they
 * were there.
 *
 * @param options.count default 1
 * @throws AssertionError after `within`
 */
export async function untilWaiting(
  store: CacheTxnStore,
  name: string,
  { count = 1, ...options }: UntilOptions & { readonly count?: number } = {},
): Promise<void> {
  const look = behindFaults(store);
  await until(
    async () => ((await look.inspectLock(name))?.waiters ?? 0) >= count,
    `${count} caller${count === 1 ? ' waits' : 's wait'} for the lock ${name}`,
    options,
  );
}

function behindFaults(store: CacheTxnStore): CacheTxnStore {
  return store instanceof FaultInjectingStore ? store.inner : store;
}

function described(held: readonly LockInfo[]): string {
  if (held.length === 0) return 'no lock is held';
  const locks = held.map(({ name, owner, expiresInMs, waiters }) => {
    const holder = owner === '' ? 'blocked by minHold' : `held by ${owner}`;
    return `  ${name}: ${holder}, for ${Math.ceil(expiresInMs)} ms more, ${waiters} waiting`;
  });
  return `these are held:\n${locks.join('\n')}`;
}

import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Handover, LockInfo } from '../../store/lock-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { LONG_MS } from './case-times.js';
import type { StoreHarness } from './store-harness.js';

/** `count` different names or keys that share a hash tag, so that one operation may touch them all; sorted. */
export function inOneSlot({ uniqueName }: StoreHarness, count: number): readonly string[] {
  const tag = uniqueName('slot');
  return Array.from({ length: count }, (_, index) => `{${tag}}:${String(index).padStart(3, '0')}`);
}

/** What the store shows of a lock that must be held. */
export async function heldLock(store: CacheTxnStore, name: string): Promise<LockInfo> {
  const info = await store.inspectLock(name);
  assert(info !== null, `${name} is held`);
  return info;
}

/** States that nobody holds the lock and nothing keeps it blocked. */
export async function assertFree(store: CacheTxnStore, name: string): Promise<void> {
  assert.equal(await store.inspectLock(name), null, `${name} is free`);
}

/** States that a lease or claim of {@link LONG_MS} was counted from now, give or take what a slow machine needs. */
export function assertWholeLease(remainingMs: number, leaseMs = LONG_MS): void {
  assert(
    remainingMs > leaseMs - LONG_MS / 2 && remainingMs <= leaseMs,
    `${remainingMs} ms is what is left of ${leaseMs} ms`,
  );
}

/** The names of the held locks that fit, sorted. */
export async function listedNames(store: CacheTxnStore, pattern: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of store.listLocks(pattern)) names.push(name);
  return names.sort();
}

/** Collects the hand-overs of one lock that a process hears of. */
export function hearing(store: CacheTxnStore, name: string): Handover[] {
  const heard: Handover[] = [];
  store.onHandover((handover) => {
    if (handover.name === name) heard.push(handover);
  });
  return heard;
}

/** How long a hint may be on its way before a case fails. */
const HEARD_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 2;

/** Waits, in real time, until `isSo` is true; hints travel by themselves. */
export async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !isSo(); waitedMs += LOOK_EVERY_MS) {
    assert(waitedMs < HEARD_WITHIN_MS, `${what} within ${HEARD_WITHIN_MS} ms`);
    await setTimeout(LOOK_EVERY_MS);
  }
}

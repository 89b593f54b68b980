import assert from 'node:assert/strict';
import type { FillOutcome, FillRequest, LeaseOutcome } from '../../store/fill-operations.js';
import type { CacheTxnStore } from '../../store/store.js';
import { LONG_MS } from './case-times.js';

/** Asks for the value of the key, or for leave to fill it. */
export function lease(store: CacheTxnStore, key: string, token: string, leaseMs = LONG_MS): Promise<LeaseOutcome> {
  return store.leaseFill({ key, token, leaseMs });
}

/** Asks likewise, and fails the case unless there is no value and nobody else loads one. */
export async function leased(store: CacheTxnStore, key: string, token: string, leaseMs = LONG_MS): Promise<void> {
  assert.deepEqual(await lease(store, key, token, leaseMs), { kind: 'leased' });
}

/** Publishes what was loaded: for ever and by timestamp, unless it says otherwise. */
export function fill(
  store: CacheTxnStore,
  key: string,
  token: string,
  changes: Partial<FillRequest> = {},
): Promise<FillOutcome> {
  return store.fill({ key, token, value: `loaded by ${token}`, ttlMs: 0, strategy: 'timestamp', ...changes });
}

/** Publishes, fails the case unless that succeeds, and answers the version. */
export async function filledVersion(
  store: CacheTxnStore,
  key: string,
  token: string,
  changes: Partial<FillRequest> = {},
): Promise<number> {
  const outcome = await fill(store, key, token, changes);
  assert(outcome.kind === 'filled', `the fill is accepted, but it is ${outcome.kind}`);
  return outcome.version;
}

/** States that the token can fill the key no more, or never could. */
export async function assertRefused(store: CacheTxnStore, key: string, token: string): Promise<void> {
  assert.deepEqual(await fill(store, key, token), { kind: 'refused' });
}

import { describe, expect, it } from '@jest/globals';
import type { Caller, Delivery } from '../../../src/memory/lock-state.js';
import { LockTable } from '../../../src/memory/lock-table.js';
import type { Instant } from '../../../src/memory/server-time.js';
import type { AcquireRequest } from '../../../src/store/lock-operations.js';

const CALLER: Caller = { inbox: 'inbox', label: 'process' };
const DAY_MS = 86_400_000;
/** Some instant, `ms` later than the first. */
const at = (ms: number, us = 0): Instant => ({ ms: 1_000_000 + ms, us: (1_000_000 + ms) * 1_000 + us });

function tableAndDeliveries(): { table: LockTable; deliveries: Delivery[] } {
  const deliveries: Delivery[] = [];
  return { table: new LockTable((delivery) => deliveries.push(delivery)), deliveries };
}

function request(token: string, changes: Partial<AcquireRequest> = {}): AcquireRequest {
  return { names: ['lock'], token, leaseMs: 1_000, claimMs: 200, queueMs: 0, maxWaiters: 10, ...changes };
}

describe('LockTable', () => {
  it('holds a lock up to the millisecond before its lease ends', () => {
    const { table } = tableAndDeliveries();
    table.acquire(request('ann'), CALLER, at(0));
    expect(table.acquire(request('bob'), CALLER, at(999))).toEqual({ kind: 'busy', name: 'lock', remainingMs: 1 });
    expect(table.isHeldBy('lock', 'ann', at(999))).toBe(true);
    expect(table.isHeldBy('lock', 'ann', at(1_000))).toBe(false);
    expect(table.acquire(request('bob'), CALLER, at(1_000)).kind).toBe('acquired');
  });

  it('keeps a place in the queue up to the millisecond before its deadline', () => {
    for (const { ms, kind } of [
      { ms: 1_999, kind: 'busy' },
      { ms: 2_000, kind: 'acquired' },
    ]) {
      const { table } = tableAndDeliveries();
      table.acquire(request('ann', { leaseMs: 1_500 }), CALLER, at(0));
      table.acquire(request('bob', { queueMs: 2_000 }), CALLER, at(0));
      expect(table.acquire(request('cid'), CALLER, at(ms)).kind).toBe(kind);
    }
  });

  it('gives the claim its exact length and tells the inbox of the waiter', () => {
    const { table, deliveries } = tableAndDeliveries();
    table.acquire(request('ann'), CALLER, at(0));
    table.acquire(request('bob', { queueMs: 500 }), { inbox: 'bob’s', label: 'other' }, at(0, 1));
    table.release({ names: ['lock'], token: 'ann' }, at(100));
    const fence = at(100).us;
    expect(deliveries).toEqual([{ inbox: 'bob’s', handover: { token: 'bob', name: 'lock', fence } }]);
    expect(table.inspect('lock', at(100))).toEqual({
      name: 'lock',
      fence,
      owner: 'other',
      heldForMs: 0,
      expiresInMs: 200,
      waiters: 0,
    });
    expect(table.inspect('lock', at(300))).toBeNull();
  });

  it('blocks until exactly the minimum hold after the acquisition', () => {
    const { table } = tableAndDeliveries();
    table.acquire(request('ann'), CALLER, at(0));
    table.release({ names: ['lock'], token: 'ann', minHoldMs: 300 }, at(299));
    expect(table.inspect('lock', at(299))?.expiresInMs).toBe(1);
    expect(table.acquire(request('bob'), CALLER, at(300)).kind).toBe('acquired');
    table.acquire(request('cid', { queueMs: 1_000 }), CALLER, at(300, 1));
    expect(table.release({ names: ['lock'], token: 'bob', minHoldMs: 300 }, at(600))).toBe('released');
    expect(table.isHeldBy('lock', 'cid', at(600))).toBe(true);
  });

  it('forgets a released name at once', () => {
    const { table } = tableAndDeliveries();
    table.acquire(request('ann', { names: ['a', 'b'] }), CALLER, at(0));
    expect(table.names()).toEqual(['a', 'b']);
    table.release({ names: ['a', 'b'], token: 'ann' }, at(1));
    expect(table.names()).toEqual([]);
  });

  it('remembers a released name whose fence is ahead of the time', () => {
    const { table } = tableAndDeliveries();
    table.acquire(request('ann'), CALLER, at(0));
    const raised = at(DAY_MS / 2).us;
    table.renew({ name: 'lock', token: 'ann', leaseMs: 1_000, fence: raised }, at(1));
    table.release({ names: ['lock'], token: 'ann' }, at(2));
    expect(table.acquire(request('bob'), CALLER, at(3))).toEqual({ kind: 'acquired', fence: raised + 1 });
  });

  it('remembers an expired lock for a day, so that its holder’s late release still blocks or hands it over', () => {
    const { table } = tableAndDeliveries();
    table.acquire(request('ann', { leaseMs: 1_000 }), CALLER, at(0));
    table.acquire(request('cid', { queueMs: 3 * DAY_MS }), CALLER, at(0, 1));
    table.release({ names: ['lock'], token: 'ann' }, at(DAY_MS));
    expect(table.isHeldBy('lock', 'cid', at(DAY_MS))).toBe(true);
  });

  it('gives back expired locks that nobody releases, while others are acquired', () => {
    const { table } = tableAndDeliveries();
    for (let index = 0; index < 500; index += 1) {
      table.acquire(request('ann', { names: [`dead-${index}`] }), CALLER, at(0, index));
    }
    for (let index = 0; index < 500; index += 1) {
      table.acquire(request('ann', { names: [`new-${index}`] }), CALLER, at(DAY_MS + 1_000, index));
    }
    expect(table.names()).toHaveLength(500);
  });

  it('stores nothing for calls that take nothing', () => {
    const { table } = tableAndDeliveries();
    expect(table.renew({ name: 'a', token: 'ann', leaseMs: 1_000 }, at(0))).toBe('lost');
    expect(table.release({ names: ['b'], token: 'ann' }, at(0))).toBe('lost');
    expect(table.forceRelease('c', undefined, at(0))).toBe(false);
    expect(table.inspect('d', at(0))).toBeNull();
    expect(table.names()).toEqual([]);
  });

  it('refuses the empty token, which stands for a blocked name', () => {
    const { table } = tableAndDeliveries();
    expect(() => table.acquire(request(''), CALLER, at(0))).toThrow('nestjs-cache-txn bug: a lock token is empty');
  });
});

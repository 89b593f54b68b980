import { describe, expect, it, jest } from '@jest/globals';
import { InvalidOptionsError, KeyTemplateError, LimitExceededError } from '../../../src/base/errors.js';
import {
  type LockModuleOptions,
  type LockOptions,
  resolveLockOptions,
  resolveMaxPending,
  resolveMaxWaiters,
} from '../../../src/lock/lock.options.js';
import { Locked } from '../../../src/lock/locked.decorator.js';
import type { AcquireRequest, ReleaseRequest } from '../../../src/store/lock-operations.js';
import { LockWorld } from './lock-world.js';

const DAY_MS = 86_400_000;

/** What must not be possible by type, as it comes from JavaScript or from an environment variable. */
const untyped = (options: Record<string, unknown>): LockOptions & LockModuleOptions => options;

describe('lock options', () => {
  it('have the documented defaults', () => {
    const expected = { leaseMs: 10_000, waitMs: 5_000, renew: true, maxHoldMs: 300_000, minHoldMs: 0 };
    expect(resolveLockOptions({}, {})).toEqual(expected);
    expect(resolveMaxWaiters({})).toBe(1_000);
    expect(resolveMaxPending({})).toBe(10_000);
  });

  it('come from the call first, then from the module, then from the library, one by one', () => {
    const module = { lease: '2s', wait: 70, renew: false, maxHold: '1m', minHold: '3s' } as const;
    expect(resolveLockOptions({}, module)).toEqual({
      leaseMs: 2_000,
      waitMs: 70,
      renew: false,
      maxHoldMs: 60_000,
      minHoldMs: 3_000,
    });
    const call = { lease: 500, wait: 0, renew: true, maxHold: '1h', minHold: 0 } as const;
    expect(resolveLockOptions(call, module)).toEqual({
      leaseMs: 500,
      waitMs: 0,
      renew: true,
      maxHoldMs: 3_600_000,
      minHoldMs: 0,
    });
  });

  it('cut the lease to maxHold, which nothing outlives', () => {
    expect(resolveLockOptions({ lease: '10s', maxHold: '3s' }, {}).leaseMs).toBe(3_000);
  });

  it.each([
    ['lock.lease', { lease: 49 }],
    ['lock.lease', { lease: DAY_MS + 1 }],
    ['lock.lease', { lease: '10 s' }],
    ['lock.lease', { lease: Number.NaN }],
    ['lock.wait', { wait: -1 }],
    ['lock.wait', { wait: '2d' }],
    ['lock.wait', { wait: true }],
    ['lock.maxHold', { maxHold: 49 }],
    ['lock.maxHold', { maxHold: '8d' }],
    ['lock.maxHold', { maxHold: Number.POSITIVE_INFINITY }],
    ['lock.minHold', { minHold: -5 }],
    ['lock.minHold', { minHold: '25h' }],
    ['lock.mode', { mode: 'shared' }],
    ['lock.renew', { renew: 'false' }],
  ])('%s refuses %j, from a call and from a module', (option, bad) => {
    for (const resolve of [() => resolveLockOptions(untyped(bad), {}), () => resolveLockOptions({}, untyped(bad))]) {
      expect(resolve).toThrow(InvalidOptionsError);
      expect(resolve).toThrow(option);
      expect(resolve).toThrow(expect.objectContaining({ details: expect.objectContaining({ option }) }));
    }
  });

  it.each([
    [{ lease: 50 }],
    [{ lease: '1d', maxHold: '7d' }],
    [{ wait: '1d' }],
    [{ maxHold: 50 }],
    [{ minHold: '1d' }],
  ])('accept the bounds themselves: %j', (options) => {
    expect(() => resolveLockOptions(untyped(options), {})).not.toThrow();
  });

  it.each([0, -1, 1.5, 100_001, Number.NaN, '10'])('maxWaiters refuses %j', (maxWaiters) => {
    expect(() => resolveMaxWaiters(untyped({ maxWaiters }))).toThrow(InvalidOptionsError);
    expect(() => resolveMaxWaiters(untyped({ maxWaiters }))).toThrow('lock.maxWaiters');
  });

  it.each([0, -1, 1.5, 1_000_001, Number.NaN, '10'])('maxPending refuses %j', (maxPending) => {
    expect(() => resolveMaxPending(untyped({ maxPending }))).toThrow('lock.maxPending');
  });

  it('reach the store: lease, queue bound and minHold', async () => {
    const world = new LockWorld({ lock: { lease: '4s', maxWaiters: 7, minHold: '1s' } });
    const { locks, store } = await world.process();
    await (await locks.acquire('a')).release();
    const [acquire] = store.requests<AcquireRequest>('acquireLocks');
    expect(acquire).toMatchObject({ names: ['a'], leaseMs: 4_000, claimMs: 2_000, maxWaiters: 7 });
    expect(store.requests<ReleaseRequest>('releaseLocks')[0]).toMatchObject({ names: ['a'], minHoldMs: 1_000 });
  });

  it('are checked when the module starts', async () => {
    await expect(new LockWorld({ lock: { lease: 1 } }).process()).rejects.toThrow('lock.lease');
    await expect(new LockWorld({ lock: { maxWaiters: 0 } }).process()).rejects.toThrow('lock.maxWaiters');
  });
});

describe('the options of one call', () => {
  it.each([
    ['a misspelt name', { leese: 100 }, "a lock has no option 'leese'; it has lease, wait,"],
    ['an option of @Locked', { onBusy: 'skip' }, "a lock has no option 'onBusy'"],
    ['a duration in their place', '2s' as never, 'a lock takes an object of options, not string'],
    ['null', null as never, 'a lock takes an object of options, not null'],
  ])('%s: refused before anything is sent', async (_what, options, message) => {
    const { locks, store } = await new LockWorld().process();
    const fn = jest.fn<() => void>();
    for (const call of [() => locks.acquire('a', untyped(options)), () => locks.withLock('a', untyped(options), fn)]) {
      await expect(call()).rejects.toThrow(InvalidOptionsError);
      await expect(call()).rejects.toThrow(message);
    }
    expect([store.count(), fn.mock.calls]).toEqual([0, []]);
  });

  it('of tryAcquire and forceRelease: refused before anything is sent', async () => {
    const { locks, store } = await new LockWorld().process();
    await expect(locks.tryAcquire('a', untyped({ leese: 100 }))).rejects.toThrow("a lock has no option 'leese'");
    await expect(locks.forceRelease('a', { fense: 7 } as never)).rejects.toThrow(
      "forceRelease has no option 'fense'; it has fence",
    );
    await expect(locks.forceRelease('a', 7 as never)).rejects.toThrow('forceRelease takes an object of options');
    expect(store.count()).toBe(0);
  });
});

describe('@Locked', () => {
  it.each([
    ['a malformed template', () => Locked('order:{params.id'), 'order:{params.id'],
    ['no name', () => Locked([]), 'empty'],
    ['a lease out of bounds', () => Locked('a', { lease: '10ms' }), 'lock.lease'],
    ['an unknown onBusy', () => Locked('a', untyped({ onBusy: 'wait' })), 'onBusy'],
    [
      'a misspelt name',
      () => Locked('a', untyped({ leese: '1s' })),
      "@Locked has no option 'leese'; it has lease, wait,",
    ],
    ['an option of calls', () => Locked('a', untyped({ signal: undefined })), "@Locked has no option 'signal'"],
    [
      'a duration in place of options',
      () => Locked('a', '2s' as never),
      '@Locked takes an object of options, not string',
    ],
  ])('refuses %s when the class is defined', (_what, decorate, message) => {
    expect(decorate).toThrow(InvalidOptionsError);
    expect(decorate).toThrow(message);
  });
});

describe('lock names', () => {
  it.each([
    ['no name', [], InvalidOptionsError],
    ['an empty name', ['a', ''], KeyTemplateError],
    ['a name that is no string', [7 as never], KeyTemplateError],
    ['a lone surrogate', ['\ud800'], KeyTemplateError],
    ['braces that are no hash tag', ['a}b{'], KeyTemplateError],
    ['a name of 513 bytes', ['x'.repeat(513)], LimitExceededError],
    ['129 names', Array.from({ length: 129 }, (_, i) => `n${i}`), LimitExceededError],
  ])('%s: refused before anything is sent', async (_what, names, expected) => {
    const { locks, store } = await new LockWorld().process();
    await expect(locks.acquire(names)).rejects.toThrow(expected);
    await expect(locks.tryAcquire(names)).rejects.toThrow(expected);
    expect(store.count()).toBe(0);
  });

  it('count once when they are given twice, and keep the order in which they were given', async () => {
    const { locks, store } = await new LockWorld().process();
    const lock = await locks.acquire(['b', 'a', 'b']);
    expect(lock.names).toEqual(['b', 'a']);
    expect(store.requests<AcquireRequest>('acquireLocks')[0]?.names).toEqual(['a', 'b']);
  });

  it('need a function to run under them', async () => {
    const { locks, store } = await new LockWorld().process();
    await expect(locks.withLock('a', {}, undefined as never)).rejects.toThrow(InvalidOptionsError);
    expect(store.count()).toBe(0);
  });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { sleep } from '../../../src/base/clock.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

describe('ManualClock', () => {
  it('moves only when told to, for durations and for server time alike', () => {
    const clock = new ManualClock();
    const startUs = clock.timeUs();
    expect(clock.now()).toBe(0);
    clock.advance(1.5);
    expect(clock.now()).toBe(1.5);
    expect(clock.timeUs() - startUs).toBe(1_500);
  });

  it('runs timers in order of time, then in the order in which they were set, each at its own moment', () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name} at ${clock.now()}`);
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(30, note('d'));
    clock.after(20, note('b'));
    clock.after(31, note('later'));
    clock.advance(30);
    expect(ran).toEqual(['a at 10', 'b at 20', 'c at 30', 'd at 30']);
    expect(clock.now()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  it('runs a timer once, and a timer of no or negative delay not before it advances', () => {
    const clock = new ManualClock();
    let ran = 0;
    clock.after(0, () => (ran += 1));
    clock.after(-5, () => (ran += 1));
    expect(ran).toBe(0);
    clock.advance(0);
    clock.advance(100);
    expect(ran).toBe(2);
  });

  it('runs timers that are set meanwhile when they come due in time', () => {
    const clock = new ManualClock();
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.now());
      clock.after(10, again);
    };
    clock.after(10, again);
    clock.advance(35);
    expect(ran).toEqual([10, 20, 30]);
  });

  it('forgets a cancelled timer, even one that another timer cancels', () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    const cancelled = clock.after(20, () => ran.push('cancelled'));
    clock.after(10, () => cancelled.cancel());
    clock.advance(100);
    cancelled.cancel();
    expect(ran).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses to go back, and a timer that arms itself again without waiting', () => {
    const clock = new ManualClock();
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
    const endless = (): void => {
      clock.after(0, endless);
    };
    endless();
    expect(() => clock.advance(1)).toThrow('arms itself again');
  });

  it('lets promises settle between timers, so that what they set runs in the same advance', async () => {
    const clock = new ManualClock();
    const ran: number[] = [];
    const working = (async () => {
      for (let round = 0; round < 3; round += 1) {
        await sleep(clock, 10);
        await Promise.resolve();
        ran.push(clock.now());
      }
    })();
    await clock.advanceAsync(30);
    expect(ran).toEqual([10, 20, 30]);
    await working;
    expect(clock.now()).toBe(30);
  });

  it('lets promises settle that are pending already before time moves', async () => {
    const clock = new ManualClock();
    const ran: number[] = [];
    void Promise.resolve().then(() => clock.after(5, () => ran.push(clock.now())));
    await clock.advanceAsync(5);
    expect(ran).toEqual([5]);
  });

  it('runs a timer in the asynchronous context that set it', () => {
    const clock = new ManualClock();
    const context = new AsyncLocalStorage<string>();
    let seen: string | undefined;
    context.run('setter', () => clock.after(10, () => (seen = context.getStore())));
    context.run('advancer', () => clock.advance(10));
    expect(seen).toBe('setter');
  });

  describe('advanceUntil', () => {
    it('lets time pass until the promise has settled, and answers as it does', async () => {
      const clock = new ManualClock();
      const twice = async (): Promise<string> => {
        await sleep(clock, 500);
        await sleep(clock, 500);
        return 'done';
      };
      await expect(clock.advanceUntil(twice())).resolves.toBe('done');
      expect(clock.now()).toBeGreaterThanOrEqual(1_000);
      expect(clock.now()).toBeLessThan(1_100);
      await expect(clock.advanceUntil(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    });

    it('does not move for what settles by itself', async () => {
      const clock = new ManualClock();
      await clock.advanceUntil(Promise.resolve());
      expect(clock.now()).toBe(0);
    });

    it('gives up when the promise takes longer than it may', async () => {
      const clock = new ManualClock();
      await expect(clock.advanceUntil(sleep(clock, 31), { within: '30ms' })).rejects.toThrow(
        'still pending after 30 ms of the manual clock',
      );
      expect(clock.now()).toBe(30);
      clock.advance(1);
    });
  });
});

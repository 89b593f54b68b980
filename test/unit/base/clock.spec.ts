import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { reasonOf, sleep, systemClock } from '../../../src/base/clock.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { observe } from '../lock/lock-world.js';

describe('sleeping', () => {
  it('ends after its time, on the clock it is given, and leaves nothing behind', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const sleeping = observe(sleep(clock, 100, signal));
    await clock.advanceAsync(99);
    expect(sleeping.state).toBe('pending');
    await clock.advanceAsync(1);
    expect([sleeping.state, clock.pendingTimers, getEventListeners(signal, 'abort')]).toEqual(['fulfilled', 0, []]);
  });

  it('ends at once with the reason when the signal aborts, also when it had aborted before', async () => {
    const clock = new ManualClock();
    const [caller, reason] = [new AbortController(), new Error('gone')];
    const sleeping = observe(sleep(clock, 100, caller.signal));
    caller.abort(reason);
    await clock.advanceAsync(0);
    expect([sleeping.error, clock.pendingTimers]).toEqual([reason, 0]);
    await expect(sleep(clock, 100, caller.signal)).rejects.toBe(reason);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the reason of a signal', () => {
  it('is its own error, or an error around what is none', () => {
    const mine = new Error('mine');
    expect(reasonOf(AbortSignal.abort(mine))).toBe(mine);
    expect(reasonOf(AbortSignal.abort('text'))).toMatchObject({ message: 'aborted', cause: 'text' });
  });
});

describe('a sleep in which nobody works', () => {
  const timersThatKeepAlive = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

  it('lets the process end, and others do not', () => {
    const before = timersThatKeepAlive();
    const end = new AbortController();
    const sleeps = [sleep(systemClock, 60_000, end.signal, true), sleep(systemClock, 60_000, end.signal)];
    for (const each of sleeps) each.catch(() => undefined);
    expect(timersThatKeepAlive()).toBe(before + 1);
    end.abort();
  });
});

describe('the clock of the process', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('never goes back', () => {
    const readings = Array.from({ length: 1_000 }, () => systemClock.now());
    expect(readings).toEqual([...readings].sort((a, b) => a - b));
  });

  it.each([1, 2_147_483_647, 2_147_483_648, 31_536_000_000])(
    'fires once after %d ms, and not a millisecond earlier',
    (delayMs) => {
      let fired = 0;
      systemClock.after(delayMs, () => (fired += 1));
      jest.advanceTimersByTime(delayMs - 1);
      expect(fired).toBe(0);
      jest.advanceTimersByTime(1);
      expect(fired).toBe(1);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  it('fires at once for a time that has passed', () => {
    let fired = 0;
    systemClock.after(-5, () => (fired += 1));
    jest.advanceTimersByTime(0);
    expect(fired).toBe(1);
  });

  it.each([100, 2_147_483_648])('does not fire a timer of %d ms once it is cancelled', (delayMs) => {
    let fired = 0;
    const timer = systemClock.after(delayMs, () => (fired += 1));
    jest.advanceTimersByTime(delayMs - 1);
    timer.cancel();
    timer.cancel();
    jest.advanceTimersByTime(2);
    expect([fired, jest.getTimerCount()]).toEqual([0, 0]);
  });
});

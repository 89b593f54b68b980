import { describe, expect, it } from '@jest/globals';
import { inTime } from '../../../src/base/in-time.js';
import { Settlement } from '../../../src/base/settlement.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { observe } from '../lock/lock-world.js';

const tooLate = (): Error => new Error('too late');

describe('work that has a limit', () => {
  it('gives what it gives, or fails as it fails, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    const failure = new Error('its own');
    await expect(inTime(clock, 100, Promise.resolve('done'), tooLate)).resolves.toBe('done');
    await expect(inTime(clock, 100, Promise.reject(failure), tooLate)).rejects.toBe(failure);
    expect(clock.pendingTimers).toBe(0);
  });

  it('fails with the given error when its time is over, and not before', async () => {
    const clock = new ManualClock();
    const limited = observe(inTime(clock, 100, new Promise<never>(() => undefined), tooLate));
    await clock.advanceAsync(99);
    expect(limited.state).toBe('pending');
    await clock.advanceAsync(1);
    expect([limited.state, limited.error]).toEqual(['rejected', tooLate()]);
  });

  it('that fails after its time disturbs nobody', async () => {
    const clock = new ManualClock();
    const work = new Settlement();
    const limited = observe(inTime(clock, 100, work.promise, tooLate));
    await clock.advanceAsync(100);
    work.reject(new Error('later'));
    await clock.advanceAsync(0);
    expect(limited.error).toEqual(tooLate());
  });
});

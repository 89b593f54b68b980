import { describe, expect, it } from '@jest/globals';

import { LazyAbort } from '../../../src/base/abort.js';

const first = new Error('first');

describe('an abort that may never be listened to', () => {
  it('keeps its first reason, for a signal made before and one made after', () => {
    const [early, late] = [new LazyAbort(), new LazyAbort()];
    const { signal } = early;
    expect([early.reason, signal.aborted]).toEqual([undefined, false]);
    for (const abort of [early, late]) {
      abort.abort(first);
      abort.abort(new Error('second'));
    }
    expect([early.reason, signal.reason]).toEqual([first, first]);
    expect([late.signal.aborted, late.signal.reason]).toEqual([true, first]);
  });

  it('has one signal', () => {
    const abort = new LazyAbort();
    expect(abort.signal).toBe(abort.signal);
  });

  it('tells listeners once, at once when it has been aborted, and not those that stopped', () => {
    const abort = new LazyAbort();
    const told: string[] = [];
    abort.onAbort(() => told.push('a'));
    const stop = abort.onAbort(() => told.push('b'));
    stop();
    abort.abort(first);
    abort.abort(first);
    abort.onAbort(({ message }) => told.push(`late: ${message}`));
    expect(told).toEqual(['a', 'late: first']);
  });
});

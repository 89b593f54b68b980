import { beforeEach, describe, expect, it } from '@jest/globals';

import { Pulse } from '../../../src/redis/bus/pulse.js';

const SILENCE_MS = 3_000;

describe('Pulse', () => {
  let pulse: Pulse;

  beforeEach(() => {
    pulse = new Pulse(SILENCE_MS);
    pulse.restart(['a', 'b']);
  });

  /** A beat that the servers took at this moment. */
  function publish(number: number, nowMs: number, servers = ['a', 'b']): void {
    for (const server of servers) pulse.sent(server, number, nowMs);
    for (const server of servers) expect(pulse.answered(server, number, 'published')).toBeUndefined();
  }

  it('is proven when every server has been heard of since the restart, by a beat of after it', () => {
    publish(1, 0);
    pulse.restart(['a', 'b']);
    publish(2, 0);
    pulse.heard('a', 2);
    pulse.heard('b', 1);
    expect(pulse.isProven).toBe(false);
    pulse.heard('b', 2);
    expect(pulse.isProven).toBe(true);
  });

  it('proves nothing without a server', () => {
    pulse.restart([]);
    expect(pulse.isProven).toBe(false);
    expect(pulse.isSilent(SILENCE_MS)).toBe(false);
  });

  it('knows through which servers it goes', () => {
    expect(pulse.goesThrough(['b', 'a'])).toBe(true);
    expect([pulse.goesThrough(['a']), pulse.goesThrough(['a', 'c']), pulse.goesThrough(['a', 'b', 'c'])]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('is silent when a beat of one server is due for that long, and not before', () => {
    publish(1, 100);
    pulse.heard('a', 1);
    expect(pulse.isSilent(100 + SILENCE_MS - 1)).toBe(false);
    expect(pulse.isSilent(100 + SILENCE_MS)).toBe(true);
    expect(pulse.isUnheard).toBe(true);
    pulse.heard('b', 1);
    expect([pulse.isSilent(100 + SILENCE_MS), pulse.isUnheard]).toEqual([false, false]);
  });

  it('is silent, though not unheard, when no beat could be published', () => {
    pulse.sent('a', 1, 0);
    pulse.answered('a', 1, 'failed');
    expect(pulse.isSilent(SILENCE_MS)).toBe(true);
    expect(pulse.isUnheard).toBe(false);
  });

  it('is not silent because nothing was sent: a process may have been busy', () => {
    publish(1, 0);
    for (const server of ['a', 'b']) pulse.heard(server, 1);
    expect(pulse.isSilent(100 * SILENCE_MS)).toBe(false);
  });

  it('notices a published beat that a later one has passed, whether its answer comes before or after', () => {
    publish(1, 0, ['a']);
    pulse.sent('a', 2, 1);
    expect(pulse.heard('a', 2)).toBe('lost');
    pulse.restart(['a']);
    pulse.sent('a', 3, 2);
    pulse.sent('a', 4, 3);
    expect(pulse.heard('a', 4)).toBeUndefined();
    expect(pulse.answered('a', 3, 'published')).toBe('lost');
  });

  it('takes beats of different servers in any order', () => {
    publish(1, 0);
    publish(2, 1);
    expect([pulse.heard('b', 1), pulse.heard('b', 2), pulse.heard('a', 1), pulse.heard('a', 2)]).toEqual(
      Array(4).fill(undefined),
    );
  });

  it('concludes nothing from a beat that may never have been published, and forgets it when it is passed', () => {
    pulse.sent('a', 1, 0);
    pulse.answered('a', 1, 'failed');
    publish(2, 1, ['a']);
    expect(pulse.heard('a', 2)).toBeUndefined();
    expect(pulse.isSilent(SILENCE_MS)).toBe(false);
    pulse.sent('a', 3, 2);
    publish(4, 3, ['a']);
    expect(pulse.heard('a', 4)).toBeUndefined();
    expect(pulse.answered('a', 3, 'failed')).toBeUndefined();
    expect(pulse.isSilent(2 + SILENCE_MS)).toBe(false);
  });

  it('takes no notice of copies, of strangers, and of what was sent before the restart', () => {
    publish(1, 0, ['a']);
    expect([pulse.heard('a', 1), pulse.heard('a', 1), pulse.heard('c', 1)]).toEqual(Array(3).fill(undefined));
    publish(2, 0, ['a']);
    pulse.restart(['a']);
    expect([pulse.heard('a', 2), pulse.answered('a', 2, 'published')]).toEqual([undefined, undefined]);
    expect(pulse.isProven).toBe(false);
  });
});

import { describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';

describe('eventually', () => {
  it('resolves with what the condition gives once it neither throws nor is false', async () => {
    const answers = [() => false as const, () => expect(1).toBe(2), () => 'ready'];
    await expect(eventually(() => answers.shift()?.())).resolves.toBe('ready');
  });

  it('says what was waited for, how long, and why it failed last', async () => {
    const never = eventually(() => Promise.reject(new Error('still closed')), { what: 'the door', withinMs: 30 });
    await expect(never).rejects.toThrow(/^the door: not within 30 ms \(\d+ tries\); at last: still closed$/);
  });

  it('is bounded even when the condition never settles', async () => {
    const stuck = eventually(async () => new Promise<void>(() => undefined), { withinMs: 30 });
    await expect(stuck).rejects.toThrow('it has not answered yet');
  });
});

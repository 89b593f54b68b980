import { describe, expect, it } from '@jest/globals';
import { until } from '../../../src/testing/until.js';

describe('until', () => {
  it('asks again until there is an answer, and gives it', async () => {
    const answers = [false, null, undefined, 0] as const;
    let asked = 0;
    await expect(until(() => answers[asked++], 'it answers')).resolves.toBe(0);
    expect(asked).toBe(4);
  });

  it('takes promises', async () => {
    await expect(until(async () => 'here', 'it is here')).resolves.toBe('here');
  });

  it('fails with what did not come true, and its time', async () => {
    await expect(until(() => false, 'pigs fly', { within: 3 })).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
      message: 'within 3 ms it did not come true that pigs fly',
    });
  });

  it('lets an error of the condition through at once', async () => {
    let asked = 0;
    const broken = (): boolean => {
      asked += 1;
      throw new Error('broken');
    };
    await expect(until(broken, 'it works')).rejects.toThrow('broken');
    expect(asked).toBe(1);
  });
});

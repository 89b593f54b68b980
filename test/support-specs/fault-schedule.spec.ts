import { describe, expect, it } from '@jest/globals';

import { planSchedule, playSchedule } from '../faults/schedule.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { roundsOf } from '../faults/seed.js';

const plan = (seed: number): ReturnType<typeof planSchedule<string>> =>
  planSchedule({ random: seededRandom(seed), durationMs: 1_000, gapMs: [20, 80], faults: ['cut', 'reset', 'silence'] });

describe('a schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  it('keeps to its gaps and its duration, and has every fault', () => {
    const steps = plan(3);
    const gaps = steps.map(({ atMs }, i) => atMs - (steps[i - 1]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(80);
    expect(steps.at(-1)?.atMs).toBeLessThan(1_000);
    expect(new Set(steps.map(({ fault }) => fault))).toEqual(new Set(['cut', 'reset', 'silence']));
  });

  it('is played in its order, one fault after the other has ended', async () => {
    const played: string[] = [];
    const steps = [0, 0, 5].map((atMs, i) => ({ atMs, fault: String(i) }));
    await playSchedule(steps, async (fault) => {
      played.push(`${fault} begins`);
      await Promise.resolve();
      played.push(`${fault} ends`);
    });
    expect(played).toEqual(['0', '1', '2'].flatMap((fault) => [`${fault} begins`, `${fault} ends`]));
  });

  it('has other chance in another round or test, and the same again in the same', () => {
    const [first] = roundsOf('F01');
    const [again] = roundsOf('F01');
    const [other] = roundsOf('F02');
    const three = (random: () => number): number[] => [random(), random(), random()];
    const numbers = three(first!.random);
    expect(three(again!.random)).toEqual(numbers);
    expect(three(other!.random)).not.toEqual(numbers);
  });
});

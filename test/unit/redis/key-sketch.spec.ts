import { describe, expect, it } from '@jest/globals';
import { KeySketch } from '../../../src/redis/commands/key-sketch.js';

const keys = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `tenant:7:book:${from + i}`);

describe('a sketch of keys', () => {
  it('knows the keys that were added, and not those that were removed', () => {
    const sketch = new KeySketch();
    for (const key of ['a', 'b', '']) sketch.add(key);
    sketch.remove('b');
    expect(['a', 'b', '', 'c'].map((key) => sketch.has(key))).toEqual([true, false, true, false]);
  });

  it('keeps most of 10,000 keys that look alike, and hardly takes another one for one of them', () => {
    const sketch = new KeySketch();
    const added = keys(0, 10_000);
    for (const key of added) sketch.add(key);
    expect(added.filter((key) => sketch.has(key)).length).toBeGreaterThan(8_500);
    expect(keys(10_000, 110_000).filter((key) => sketch.has(key)).length).toBeLessThan(50);
  });
});

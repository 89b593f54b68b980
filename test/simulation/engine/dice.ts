import type { Random } from '../../../src/base/random.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';

/** Sets streams of the same seed apart, so that one more draw in one of them does not move the others. */
const STREAM_STEP = 0x9e37_79b9;

/** Everything that happens by chance in a simulation: the same seed and stream draw the same. */
export class Dice {
  readonly next: Random;

  constructor(seed: number, stream: number) {
    this.next = seededRandom((Math.imul(seed, 0x85eb_ca6b) + Math.imul(stream + 1, STREAM_STEP)) >>> 0);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Uniform in [low, high). */
  real(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** Uniform among the whole numbers from low to high, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** As often between 10 and 100 as between 100 and 1000: for lengths of which nobody knows the scale. */
  scale(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.next() * list.length)];
    if (picked === undefined) throw new Error('a list to pick from is empty');
    return picked;
  }

  /** `count` different ones, or all there are, in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    const left = [...list];
    const picked: T[] = [];
    while (picked.length < count && left.length > 0) {
      picked.push(...left.splice(Math.floor(this.next() * left.length), 1));
    }
    return picked;
  }
}

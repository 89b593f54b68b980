import { seededRandom } from '../../src/testing/seeded-random.js';

/**
 * Chance of the fault tests: every schedule of faults comes from one seed, so that a failure can be replayed.
 * `scripts/test-faults.mjs` and CONTRIBUTING.md say how.
 */

/** The seed of this run; `choose-seed.mjs` has set it. */
export const FAULT_SEED = wholeNumber('FAULT_SEED', 1);

/** How often each test plays its faults, each time with another schedule: 1 in `npm test`, more in `npm run test:faults`. */
export const FAULT_ROUNDS = wholeNumber('FAULT_ROUNDS', 1);

/** One play of a test's faults. */
export interface Round {
  /** From 1 to {@link FAULT_ROUNDS}. */
  readonly number: number;
  /** Same seed of the run, name and number: same chance. */
  readonly random: () => number;
}

/** The rounds of a test; its name makes its chance different from that of the others. */
export function roundsOf(name: string): Round[] {
  return Array.from({ length: FAULT_ROUNDS }, (_, i) => {
    return { number: i + 1, random: seededRandom(hashOf(`${FAULT_SEED} ${name} ${i + 1}`)) };
  });
}

/** One of several. */
export function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}

/** A whole number between both, each as likely. */
export function between(random: () => number, lowest: number, highest: number): number {
  return lowest + Math.floor(random() * (highest - lowest + 1));
}

/** 32 bits of a text (FNV-1a). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

function wholeNumber(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,10}$/.test(text) || Number(text) < 1)
    throw new Error(`${name} must be a whole number from 1 on, not ${text}`);
  return Number(text);
}

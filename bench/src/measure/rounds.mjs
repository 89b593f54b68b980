/**
 * The names in another order each round: every one comes first, and follows each other, equally often.
 *
 * @param {readonly string[]} names
 * @param {number} round
 */
export function rotated(names, round) {
  const start = round % names.length;
  const turned = [...names.slice(start), ...names.slice(0, start)];
  return Math.floor(round / names.length) % 2 === 0 ? turned : turned.reverse();
}

/**
 * What one contender gave in one round.
 * @template T
 * @typedef {{ repeat: number, round: number, measured: T }} Sample
 */

/**
 * Interleaved rounds (A B C, B C A, …) with contenders in fresh processes for every repeat, so that neither the
 * moment nor what the compiler saw first favours anybody. Warm-up rounds are measured like others and dropped.
 *
 * @template T
 * @template {{ close(): Promise<void> }} H
 * @param {{
 *   names: readonly string[], repeats: number, warmups: number, rounds: number,
 *   open: (name: string, repeat: number) => Promise<H>,
 *   measure: (opened: H, name: string) => Promise<T>,
 *   progress?: (done: number, all: number) => void,
 * }} plan
 * @returns {Promise<Map<string, Sample<T>[]>>} by name, in the order of the rounds
 */
export async function interleavedRounds({ names, repeats, warmups, rounds, open, measure, progress }) {
  /** @type {Map<string, Sample<T>[]>} */
  const samples = new Map(names.map((name) => [name, []]));
  const all = repeats * (warmups + rounds) * names.length;
  let done = 0;
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    /** @type {Map<string, H>} */
    const opened = new Map();
    try {
      for (const name of rotated(names, repeat)) opened.set(name, await open(name, repeat));
      for (let round = -warmups; round < rounds; round += 1) {
        for (const name of rotated(names, round + warmups + repeat)) {
          const contender = opened.get(name);
          if (contender === undefined) throw new Error(`${name} was not opened`);
          const measured = await measure(contender, name);
          if (round >= 0) samples.get(name)?.push({ repeat, round, measured });
          done += 1;
          progress?.(done, all);
        }
      }
    } finally {
      for (const contender of opened.values()) await contender.close();
    }
  }
  return samples;
}

/**
 * One figure of every sample of a contender, in the order of the rounds.
 *
 * @template T
 * @param {Map<string, Sample<T>[]>} samples
 * @param {string} name
 * @param {(measured: T) => number} figure
 */
export function figures(samples, name, figure) {
  return (samples.get(name) ?? []).map(({ measured }) => figure(measured));
}

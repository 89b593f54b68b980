import { readFileSync } from 'node:fs';

/** One answer to one reader, in µs of the machine's clock. */
export interface Reading {
  readonly startedUs: number;
  readonly endedUs: number;
  readonly list: number;
}

/** What a process has written down; a line that its death has cut is none. */
export function readingsIn(file: string): Reading[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [startedUs = NaN, endedUs = NaN, list = NaN] = line.split(' ').map(Number);
    return { startedUs, endedUs, list };
  });
}

/**
 * Readings that began after somebody had seen a later list, and show an earlier one. Lists are numbered in the order in which they were
 * committed; with none of these, all that the readers saw is one list at each moment.
 */
export function tornReadings(readings: readonly Reading[]): Reading[] {
  const byEnd = [...readings].sort((one, other) => one.endedUs - other.endedUs);
  const byStart = [...readings].sort((one, other) => one.startedUs - other.startedUs);
  const torn: Reading[] = [];
  let seen = 0;
  let next = 0;
  for (const reading of byStart) {
    for (let ended = byEnd[next]; ended !== undefined && ended.endedUs < reading.startedUs; ended = byEnd[++next]) {
      seen = Math.max(seen, ended.list);
    }
    if (reading.list < seen) torn.push(reading);
  }
  return torn;
}

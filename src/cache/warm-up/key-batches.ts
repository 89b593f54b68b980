import { InvalidOptionsError } from '../../base/errors.js';

/** What a warmer gave as its keys, and how many they are where that is known. */
export interface KeyList {
  readonly keys: Iterable<string> | AsyncIterable<string>;
  readonly total: number | undefined;
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` for what is no list of keys; a string is none, though it can be iterated */
export function keyListOf(given: unknown): KeyList {
  const keys = given as Partial<Iterable<string> & AsyncIterable<string>> | null | undefined;
  const isList =
    typeof given === 'object' &&
    (typeof keys?.[Symbol.iterator] === 'function' || typeof keys?.[Symbol.asyncIterator] === 'function');
  if (!isList) {
    const got = given === null ? 'null' : typeof given;
    throw new InvalidOptionsError(
      `keys() of a warmer has to give an iterable of keys, such as an array, and gave ${got}`,
    );
  }
  const total = Array.isArray(given) ? given.length : given instanceof Set ? given.size : undefined;
  return { keys: given as KeyList['keys'], total };
}

/** The keys in groups of `size`; the last one has what is left. Reads no further than it is asked. */
export async function* keyBatches(keys: KeyList['keys'], size: number): AsyncGenerator<readonly string[]> {
  let batch: string[] = [];
  for await (const key of keys) {
    batch.push(key);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

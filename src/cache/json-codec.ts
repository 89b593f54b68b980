import { InvalidOptionsError, LimitExceededError } from '../base/errors.js';
import { LIMITS } from '../store/limits.js';
import { isTooDeep } from './json-depth.js';

/**
 * The text of a value as the store keeps it: JSON.
 * @throws InvalidOptionsError `INVALID_OPTIONS` for what JSON cannot hold: undefined, functions, symbols, bigint, cycles
 * @throws LimitExceededError `LIMIT_EXCEEDED` over 1,000 levels of arrays and objects
 */
export function encode(value: unknown, key: string): string {
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // The stack has run out, or a text could not become that long.
    if (error instanceof RangeError) throw tooDeep(key);
    throw new InvalidOptionsError(`the value of ${key} cannot be written as JSON (a bigint or a cycle)`, {
      cause: error,
      details: { key },
    });
  }
  if (typeof text !== 'string') {
    throw new InvalidOptionsError(
      `the value of ${key} is ${typeof value}, which JSON cannot hold; to remove the entry, delete it`,
      { details: { key } },
    );
  }
  if (isTooDeep(text)) throw tooDeep(key);
  return text;
}

/** What an entry holds, or why that is no value of ours. */
export type Decoded = { readonly value: unknown } | { readonly problem: string };

/** The value of a text; a foreign or damaged entry has a problem instead, and is a miss and no failure (threats S09, S11). */
export function decode(text: string): Decoded {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.valueBytes) return { problem: `has ${bytes} bytes, the limit is ${LIMITS.valueBytes}` };
  if (isTooDeep(text)) return { problem: `is nested deeper than ${LIMITS.jsonDepth} levels` };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'is not JSON' };
  }
}

function tooDeep(key: string): LimitExceededError {
  return new LimitExceededError(
    `the value of ${key} is nested deeper than ${LIMITS.jsonDepth} levels, or longer than a text can be`,
    { details: { key, limit: LIMITS.jsonDepth } },
  );
}

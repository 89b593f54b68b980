import { InvalidOptionsError } from '../base/errors.js';

/**
 * The text of a value as the store keeps it: JSON.
 * @throws InvalidOptionsError `INVALID_OPTIONS` for what JSON cannot hold: undefined, functions, symbols, bigint, cycles
 */
export function encode(value: unknown, key: string): string {
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
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
  return text;
}

/** The value of a text, or undefined when it is broken: a foreign or damaged entry is a miss, not a failure (threat S11). */
export function decode(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

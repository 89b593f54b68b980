import { LIMITS } from '../../store/limits.js';
import { type Codec, CodecRefusal } from './codec.js';
import { isTooDeep } from './json-depth.js';
import { isPlainData } from './plain-data.js';
import { toTagged, tooLarge } from './tagged-data.js';
import { fromTagged } from './untagged-data.js';

/** Before the text of a value with tags; no JSON begins with it. */
const TAGGED = '$';

/**
 * The default codec: JSON that also keeps Date, Map, Set, bigint, Buffer and Uint8Array, undefined in objects and arrays, NaN, ±Infinity and -0.
 *
 * The text of a value without any of these is what `JSON.stringify` gives; that of others is `$` and JSON with tags. Classes with a `toJSON`
 * come back as what that gives, other classes as their own enumerable properties. 1,000 levels and 1 MiB are the limits.
 */
export function jsonCodec(): Codec {
  return { name: 'json', encode, decode };
}

function encode(value: unknown): string {
  if (isPlainData(value, { strict: false })) return stringify(value);
  const { data, hasTags } = toTagged(value);
  return hasTags ? TAGGED + stringify(data) : stringify(data);
}

function decode(text: string): unknown {
  if (text.startsWith(TAGGED)) return fromTagged(parse(text.slice(1)));
  if (isTooDeep(text)) throw new CodecRefusal(`is nested deeper than ${LIMITS.jsonDepth} levels`);
  return parse(text);
}

function stringify(data: unknown): string {
  let text: unknown;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    // No text can become that long.
    if (error instanceof RangeError) throw tooLarge();
    throw error;
  }
  if (typeof text !== 'string') throw new CodecRefusal('is nothing that JSON has a text for');
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CodecRefusal('is not JSON');
  }
}

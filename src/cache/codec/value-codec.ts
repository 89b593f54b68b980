import { InvalidOptionsError, LimitExceededError } from '../../base/errors.js';
import { LIMITS } from '../../store/limits.js';
import type { CacheModuleOptions } from '../cache.options.js';
import { type Codec, CodecRefusal } from './codec.js';
import { jsonCodec } from './json-codec.js';

/** What an entry holds, or why that is no value of ours. */
export type Decoded = { readonly value: unknown } | { readonly problem: string };

/** A codec with the checks that every value and every text goes through, and the errors that callers get. */
export class ValueCodec {
  constructor(private readonly codec: Codec = jsonCodec()) {}

  /**
   * The text of a value.
   * @param key in messages
   * @throws InvalidOptionsError `INVALID_OPTIONS` for undefined, functions, symbols, streams, cycles, and what the codec does not take
   * @throws LimitExceededError `LIMIT_EXCEEDED` over 1,000 levels, or for what is far over the limit of bytes
   */
  encode(value: unknown, key: string): string {
    const refuse = (message: string, cause?: unknown): never => {
      throw new InvalidOptionsError(message, { cause, details: { key, codec: this.codec.name } });
    };
    if (value === undefined) refuse(`the value of ${key} is undefined; to remove the entry, delete it`);
    if (typeof value === 'function' || typeof value === 'symbol')
      refuse(`the value of ${key} is a ${typeof value}, which cannot be cached; to remove the entry, delete it`);
    if (isStream(value))
      refuse(`the value of ${key}: a stream cannot be cached; return its data, or cache what it is made of`);
    let text: unknown;
    try {
      text = this.codec.encode(value);
    } catch (error) {
      if (!(error instanceof CodecRefusal))
        return refuse(`the value of ${key} cannot be written by the codec '${this.codec.name}'`, error);
      const message = `the value of ${key} ${error.problem}`;
      if (error.limit === undefined) return refuse(message);
      throw new LimitExceededError(message, { details: { key, limit: error.limit } });
    }
    if (typeof text !== 'string' || text.startsWith('~'))
      return refuse(
        `the value of ${key}: the codec '${this.codec.name}' must give a text that does not begin with ~, at once`,
      );
    return text;
  }

  /** The value of a text; a foreign or damaged entry has a problem instead, and is a miss and no failure (threats S09, S11). */
  decode(text: string): Decoded {
    const bytes = Buffer.byteLength(text);
    if (bytes > LIMITS.valueBytes) return { problem: `has ${bytes} bytes, the limit is ${LIMITS.valueBytes}` };
    try {
      const value = this.codec.decode(text);
      return value === undefined ? { problem: 'is undefined' } : { value };
    } catch (error) {
      // What others throw may quote the text.
      const problem = error instanceof CodecRefusal ? error.problem : `is nothing that '${this.codec.name}' can read`;
      return { problem };
    }
  }
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` for what is no codec */
export function valueCodecOf({ codec }: CacheModuleOptions): ValueCodec {
  if (codec !== undefined && !isCodec(codec)) {
    throw new InvalidOptionsError(
      'cache.codec: give jsonCodec(), msgpackCodec(), or an object with a name of 1 to 64 characters and the functions encode and decode',
      { details: { option: 'cache.codec' } },
    );
  }
  return new ValueCodec(codec);
}

function isCodec(codec: unknown): codec is Codec {
  const { name, encode, decode } = Object(codec) as { readonly [K in keyof Codec]?: unknown };
  if (typeof name !== 'string' || name.length < 1 || name.length > 64) return false;
  return typeof encode === 'function' && typeof decode === 'function';
}

/** Any format would keep the inside of a stream, and not what flows through it: those of Node and of the web, StreamableFile, observables. */
function isStream(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { pipe, getStream, getReader } = value as { readonly [name: string]: unknown };
  return [pipe, getStream, getReader].some((method) => typeof method === 'function');
}

import { types } from 'node:util';
import { LIMITS } from '../../store/limits.js';
import { CodecRefusal } from './codec.js';
import { hasToJson, isPlainNumber, isTag } from './plain-data.js';

/** A copy that any format keeps; {@link fromTagged} makes the value of it. */
export interface TaggedData {
  /** Undefined for what JSON has no text for, such as a function. */
  readonly data: unknown;
  /** Otherwise `data` is what JSON makes of the value by itself, unless it was to be tagged in any case. */
  readonly hasTags: boolean;
}

/**
 * A copy of a value in which an array that begins with `'$…'` stands for what JSON would lose:
 *
 *     ["$date", milliseconds]   ["$map", key, value, …]   ["$set", …]       ["$bigint", "-ff"]
 *     ["$buffer", base64]       ["$bytes", base64]        ["$undefined"]    ["$number", "NaN"]    ["$", "$…", …]
 *
 * The last one is an array of the value's own that begins like a tag. Every other array, and every object, stands for itself, so that a value
 * is nested as deep as its data. A `toJSON` of any other class decides; functions and symbols are left out, as JSON does it.
 *
 * @param inAnyCase whether such arrays are to be marked also where nothing else is
 * @throws CodecRefusal for a cycle, and over the limits of depth and bytes; what a `toJSON` throws
 */
export function toTagged(value: unknown, inAnyCase = false): TaggedData {
  const copier = new Copier();
  const data = copier.copy(value, '');
  if (!copier.hasTags && !inAnyCase) for (const marked of copier.marked) marked.shift();
  return { data, hasTags: copier.hasTags };
}

/** What takes more than `LIMITS.valueBytes` in any format. */
export function tooLarge(): CodecRefusal {
  return new CodecRefusal(`has more than ${LIMITS.valueBytes} bytes, the limit`, LIMITS.valueBytes);
}

class Copier {
  hasTags = false;
  /** The arrays that would look like tags, each with the mark before it. */
  readonly marked: unknown[][] = [];
  private readonly above = new Set<object>();
  private bytesLeft: number = LIMITS.valueBytes;

  /** Undefined for what is left out. */
  copy(given: unknown, key: string | number): unknown {
    const tagged = this.asTag(given);
    if (tagged !== undefined) return tagged;
    const value = resolved(given, key);
    // From here on only what a toJSON gave can still be of that kind.
    if (value !== given) return value === undefined ? undefined : (this.asTag(value) ?? this.copyPlain(value));
    return this.copyPlain(value);
  }

  private copyPlain(value: unknown): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Number || value instanceof String || value instanceof Boolean) return value.valueOf();
    return this.inside(value, () => this.copyObject(value));
  }

  private copyObject(value: object): unknown {
    if (Array.isArray(value)) {
      const copy = this.copyAll(value);
      if (isTag(copy[0])) this.marked.push((copy.unshift('$'), copy));
      return copy;
    }
    if (types.isMap(value)) return this.tag('$map', this.copyAll([...value].flat(1)));
    if (types.isSet(value)) return this.tag('$set', this.copyAll([...value]));
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      this.take(1);
      const child = this.copy((value as Record<string, unknown>)[key], key);
      if (child === undefined) continue;
      if (key !== '__proto__') copy[key] = child;
      else Object.defineProperty(copy, key, { value: child, enumerable: true, configurable: true, writable: true });
    }
    return copy;
  }

  private copyAll(values: readonly unknown[]): unknown[] {
    this.take(values.length);
    const copies: unknown[] = [];
    for (let i = 0; i < values.length; i++) copies.push(this.copy(values[i], i) ?? null);
    return copies;
  }

  /** The tag of what has no parts. */
  private asTag(value: unknown): unknown[] | undefined {
    switch (typeof value) {
      case 'undefined':
        return this.tag('$undefined');
      case 'bigint':
        return this.tag('$bigint', [value.toString(16)]);
      case 'number':
        return isPlainNumber(value) ? undefined : this.tag('$number', [Object.is(value, -0) ? '-0' : String(value)]);
      case 'object':
        return value === null ? undefined : this.objectAsTag(value);
      default:
        return undefined;
    }
  }

  private objectAsTag(value: object): unknown[] | undefined {
    if (types.isDate(value) && hasToJsonOf(value, Date)) {
      const time = value.getTime();
      return this.tag('$date', [Number.isNaN(time) ? null : time]);
    }
    if (Buffer.isBuffer(value) && hasToJsonOf(value, Buffer)) return this.tag('$buffer', [this.base64(value)]);
    if (types.isUint8Array(value) && !hasToJson(value)) return this.tag('$bytes', [this.base64(value)]);
    return undefined;
  }

  private base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
    this.take(byteLength);
    return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  }

  /** @param parts becomes the tag */
  private tag(tag: string, parts: unknown[] = []): unknown[] {
    this.hasTags = true;
    parts.unshift(tag);
    return parts;
  }

  private take(bytes: number): void {
    if ((this.bytesLeft -= bytes) < 0) throw tooLarge();
  }

  private inside<T>(container: object, copy: () => T): T {
    if (this.above.has(container)) throw new CodecRefusal('contains itself, and cannot be cached');
    if (this.above.size >= LIMITS.jsonDepth)
      throw new CodecRefusal(`is nested deeper than ${LIMITS.jsonDepth} levels`, LIMITS.jsonDepth);
    this.above.add(container);
    const copied = copy();
    this.above.delete(container);
    return copied;
  }
}

/** What JSON takes in the place of a value. */
function resolved(value: unknown, key: string | number): unknown {
  const mayHave = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayHave && hasToJson(value) ? value.toJSON(String(key)) : value;
}

/** A subclass with a `toJSON` of its own decides for itself; one of another realm cannot be told from it, and has none as a rule. */
function hasToJsonOf(value: object, type: { readonly prototype: { toJSON(key?: string): unknown } }): boolean {
  return (value as { toJSON?: unknown }).toJSON === type.prototype.toJSON || !isOf(value, type);
}

function isOf(value: object, type: unknown): boolean {
  return typeof type === 'function' && value instanceof type;
}

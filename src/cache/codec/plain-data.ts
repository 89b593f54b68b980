import { types } from 'node:util';
import { LIMITS } from '../../store/limits.js';

/** What counts as plain. */
export interface PlainDataRules {
  /**
   * Only arrays, and objects of no class, with nothing that JSON leaves out, and no array that looks like a tag: what any format keeps as it is.
   * Otherwise whatever JSON keeps.
   */
  readonly strict: boolean;
}

/**
 * Whether JSON keeps the value: nothing in it is tagged, nothing has a `toJSON`, and it is not too deep. False also for cycles, and for what
 * would be over the limit of bytes whatever is in it, so that a few objects that share each other many times are not walked for ever.
 *
 * It is called for every write, so it allocates nothing for a node.
 */
export function isPlainData(value: unknown, { strict }: PlainDataRules): boolean {
  return walk(value, 1, { strict, bytesLeft: LIMITS.valueBytes });
}

/** Whether JSON keeps a number. */
export function isPlainNumber(value: number): boolean {
  return value - value === 0 && (value !== 0 || 1 / value > 0);
}

/** Whether a first element makes an array a tag. */
export function isTag(first: unknown): first is string {
  return typeof first === 'string' && first.startsWith('$');
}

/** Whether something else is kept in the place of an object or a function. */
export function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { readonly toJSON?: unknown }).toJSON === 'function';
}

interface Walk {
  readonly strict: boolean;
  /** Every element and every property takes one at least. */
  bytesLeft: number;
}

function walk(value: unknown, depth: number, state: Walk): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isPlainNumber(value);
    case 'function':
      return !state.strict && !hasToJson(value);
    case 'symbol':
      return !state.strict;
    case 'object':
      return value === null || walkObject(value, depth, state);
    default:
      return false;
  }
}

function walkObject(value: object, depth: number, state: Walk): boolean {
  if (depth > LIMITS.jsonDepth || hasToJson(value)) return false;
  if (Array.isArray(value)) {
    if (state.strict && isTag(value[0])) return false;
    if ((state.bytesLeft -= value.length) < 0) return false;
    // By index, because `for of` and `every` pass over holes or allocate.
    for (let i = 0; i < value.length; i++) if (!walk(value[i], depth + 1, state)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && (state.strict || isKept(value))) return false;
  // What is inherited is not kept, and at worst makes the value take the longer way.
  for (const key in value) {
    if (--state.bytesLeft < 0 || !walk((value as Record<string, unknown>)[key], depth + 1, state)) return false;
  }
  return true;
}

/** Whether JSON would lose what an object without `toJSON` is; those of other realms included. */
function isKept(value: object): boolean {
  return types.isMap(value) || types.isSet(value) || types.isUint8Array(value);
}

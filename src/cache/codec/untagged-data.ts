import { LIMITS } from '../../store/limits.js';
import { CodecRefusal } from './codec.js';
import { isTag } from './plain-data.js';

/**
 * The value of what {@link toTagged} made, and a format has kept; objects and arrays are filled in place. The text may be anybody's: it makes
 * nothing but data, objects of no class, and the kinds that have a tag.
 *
 * @throws CodecRefusal for an unknown tag, for one with something else in it than belongs there, for an object of any class, and for more than
 * 1,000 levels (threats S10, S11)
 */
export function fromTagged(data: unknown): unknown {
  return restore(data, 1);
}

/** The kinds without parts, by tag: the value of a payload, undefined where it has none. */
const LEAVES = new Map<string, (payload: unknown) => unknown>([
  ['$date', dateOf],
  ['$bigint', bigintOf],
  ['$buffer', bytesOf],
  [
    '$bytes',
    (payload) => {
      const bytes = bytesOf(payload);
      return bytes && new Uint8Array(bytes);
    },
  ],
  ['$number', numberOf],
]);

const NUMBERS = new Map<unknown, number>([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);

function restore(node: unknown, depth: number): unknown {
  switch (typeof node) {
    case 'string':
    case 'boolean':
    case 'number':
      return node;
    case 'object':
      if (node === null) return node;
      return Array.isArray(node) ? restoreArray(node, depth) : restoreObject(node, depth);
    default:
      throw damaged();
  }
}

function restoreObject(node: object, depth: number): object {
  if (Object.getPrototypeOf(node) !== Object.prototype) throw damaged();
  checkDepth(depth);
  const parts = node as Record<string, unknown>;
  for (const key of Object.keys(parts)) {
    const part = parts[key];
    // An own `__proto__`, as JSON.parse makes it, is set as any other: what is own comes before what is inherited.
    if (typeof part === 'object' && part !== null) parts[key] = restore(part, depth + 1);
    else restore(part, depth + 1);
  }
  return node;
}

function restoreArray(node: unknown[], depth: number): unknown {
  const tag: unknown = node[0];
  if (!isTag(tag)) return restoreAll(node, depth);
  switch (tag) {
    case '$':
      node.shift();
      if (!isTag(node[0])) throw damaged();
      return restoreAll(node, depth);
    case '$set':
      return new Set(restoreAll(node.slice(1), depth));
    case '$map':
      return mapOf(restoreAll(node.slice(1), depth));
    case '$undefined':
      if (node.length !== 1) throw damaged();
      return undefined;
    default: {
      const value = node.length === 2 ? LEAVES.get(tag)?.(node[1]) : undefined;
      if (value === undefined) throw damaged();
      return value;
    }
  }
}

function restoreAll(nodes: unknown[], depth: number): unknown[] {
  checkDepth(depth);
  for (let i = 0; i < nodes.length; i++) nodes[i] = restore(nodes[i], depth + 1);
  return nodes;
}

function mapOf(parts: readonly unknown[]): Map<unknown, unknown> {
  if (parts.length % 2 !== 0) throw damaged();
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < parts.length; i += 2) map.set(parts[i], parts[i + 1]);
  return map;
}

function dateOf(payload: unknown): Date | undefined {
  if (payload === null) return new Date(NaN);
  if (typeof payload !== 'number') return undefined;
  const date = new Date(payload);
  return date.getTime() === payload ? date : undefined;
}

/** Hexadecimal, which takes time in proportion to its length; a million decimal digits would take a quarter of a second. */
function bigintOf(payload: unknown): bigint | undefined {
  const [, minus, digits] = (typeof payload === 'string' && /^(-?)([0-9a-f]+)$/.exec(payload)) || [];
  if (digits === undefined) return undefined;
  const value = BigInt(`0x${digits}`);
  return minus === '-' ? -value : value;
}

function bytesOf(payload: unknown): Buffer | undefined {
  if (typeof payload !== 'string') return undefined;
  const bytes = Buffer.from(payload, 'base64');
  return bytes.toString('base64') === payload ? bytes : undefined;
}

function numberOf(payload: unknown): number | undefined {
  return NUMBERS.get(payload);
}

function checkDepth(depth: number): void {
  if (depth > LIMITS.jsonDepth) throw new CodecRefusal(`is nested deeper than ${LIMITS.jsonDepth} levels`);
}

function damaged(): CodecRefusal {
  return new CodecRefusal('has a tag that is unknown, or something else in it than belongs there');
}

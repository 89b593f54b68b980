import type { Call } from './call.js';

/** What a placeholder may start with, and whether it needs a property behind it because it is never a plain value. */
const ROOTS = {
  params: { needsProperty: true },
  query: { needsProperty: true },
  body: { needsProperty: false },
  headers: { needsProperty: true },
  user: { needsProperty: false },
  data: { needsProperty: false },
  args: { needsProperty: true },
} as const;

/** The first word of a placeholder; all but `args` come from the transport. */
export type PlaceholderRoot = keyof typeof ROOTS;

/** One `{root.property.property}` of a key template. */
export interface Placeholder {
  /** As written, without braces. */
  readonly text: string;
  readonly root: PlaceholderRoot;
  readonly path: readonly string[];
}

/** Properties every object has without anybody having sent them. */
const FORBIDDEN_SEGMENTS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Parses what stands between two braces; a string says what is wrong with it. */
export function parsePlaceholder(text: string): Placeholder | string {
  if (text === '') return 'the placeholder is empty';
  const [root = '', ...path] = text.split('.');
  if (!isRoot(root)) return `{${text}} starts with none of ${Object.keys(ROOTS).join(', ')}`;
  if (path.some((segment) => segment === '' || /\s/.test(segment))) return `{${text}} has an empty or spaced property`;
  const forbidden = path.find((segment) => FORBIDDEN_SEGMENTS.has(segment));
  if (forbidden !== undefined) return `{${text}} reads ${forbidden}, which is no property of the caller's`;
  if (ROOTS[root].needsProperty && path.length === 0)
    return `{${text}} needs a property, such as {${root}.${root === 'args' ? '0' : 'id'}}`;
  if (root === 'args' && !/^\d+$/.test(path[0] ?? ''))
    return `{${text}} needs the number of an argument, such as {args.0}`;
  return { text, root, path };
}

/** The value a placeholder points at; undefined when any step of its path is missing. Own properties only (threat S10). */
export function readPlaceholder({ root, path }: Placeholder, call: Call): unknown {
  if (root === 'headers') return readHeader(call.request['headers'], path.join('.').toLowerCase());
  return path.reduce(readOwn, rootOf(root, call));
}

function isRoot(word: string): word is PlaceholderRoot {
  return Object.hasOwn(ROOTS, word);
}

function rootOf(root: PlaceholderRoot, call: Call): unknown {
  if (root === 'args') return call.args;
  // Not checked for ownership: some adapters define these as accessors of the request's prototype (Express: `query`).
  return root === 'data' ? call.data : call.request[root];
}

function readOwn(value: unknown, property: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, property)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[property];
}

/** Node gives header names in lower case; other transports as they were sent. */
function readHeader(headers: unknown, lowerCaseName: string): unknown {
  const exact = readOwn(headers, lowerCaseName);
  if (exact !== undefined || typeof headers !== 'object' || headers === null) return exact;
  const name = Object.keys(headers).find((key) => key.toLowerCase() === lowerCaseName);
  return name === undefined ? undefined : readOwn(headers, name);
}

/** An entry's version as an entity tag; strong, because a version names exactly one value. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** What a conditional header asks for: any entry, or one of these versions. */
export type Condition = { readonly kind: 'any' } | { readonly kind: 'versions'; readonly versions: readonly number[] };

const TAG = /^\s*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*$/;

/**
 * Reads `If-Match` or `If-None-Match` (RFC 9110, section 13.1). Tags that are not ours stand for no version; weak ones
 * only count where the comparison is weak (`If-None-Match`).
 */
export function parseCondition(header: string, comparison: 'strong' | 'weak'): Condition {
  if (header.trim() === '*') return { kind: 'any' };
  const versions: number[] = [];
  for (const part of header.split(',')) {
    const match = TAG.exec(part);
    if (match === null || (match[1] !== undefined && comparison === 'strong')) continue;
    const version = Number(match[2]);
    // Only our own spelling: `"01"` or a number that is not exact names no version.
    if (version >= 0 && Number.isSafeInteger(version) && match[2] === String(version)) versions.push(version);
  }
  return { kind: 'versions', versions };
}

/** Whether an entry with `version` (0: none) fulfils the condition. */
export function fulfils(version: number, condition: Condition): boolean {
  return condition.kind === 'any' ? version > 0 : condition.versions.includes(version);
}

/** A value as text that may become part of a key; undefined for what may not, such as an array or an empty string (threats S01, S02, S05). */
export function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value !== '' && value.isWellFormed() ? value : undefined;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  return undefined;
}

/** What a value that is no plain one is, for messages; never the value itself: errors are logged and sent (threat S16). */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'missing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return value === '' ? 'empty' : 'a string with a lone surrogate';
  if (typeof value === 'number') return 'not a finite number';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * Freezes a decoded value and all that it holds; false, with nothing to rely on, for one that holds what cannot be frozen: a Map, a Set, a Date, or bytes.
 * It goes as deep as the value, which its codec has bounded.
 */
export function deepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return false;
  for (const part of Object.values(value)) if (!deepFrozen(part)) return false;
  Object.freeze(value);
  return true;
}

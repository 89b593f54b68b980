/** What no escaped value contains: hash-tag braces, our separator, the escape itself, white space, control characters. */
const RESERVED = /[{}:%\s\p{Cc}]/u;
const EVERY_RESERVED = new RegExp(RESERVED, 'gu');

/** Whether `char` is escaped in every value, so that a template may use it to keep two values apart. */
export function isReserved(char: string): boolean {
  return RESERVED.test(char);
}

/**
 * A value as part of a key: one to one, and unable to end its part, open a hash tag or leave its namespace.
 *
 * Reserved characters, and `alsoEscape` where the template uses it as a separator, become `%XX` for each byte of UTF-8.
 * It is one to one because `%` is itself escaped.
 *
 * @param value well-formed, so that every character has a UTF-8 form of its own
 * @param alsoEscape one character that is neither `%`, a letter nor a digit: an escape is made of those
 */
export function escapeValue(value: string, alsoEscape?: string): string {
  const escaped = value.replace(EVERY_RESERVED, percentEncode);
  return alsoEscape === undefined ? escaped : escaped.replaceAll(alsoEscape, percentEncode);
}

function percentEncode(char: string): string {
  return Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

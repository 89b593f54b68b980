import { LIMITS } from '../../store/limits.js';

/**
 * Whether a JSON text is nested deeper than `LIMITS.jsonDepth`; for broken text any answer, as it is refused anyway.
 *
 * `JSON.parse` takes any depth, and `JSON.stringify` recurses: without a limit a value that one caller brings in makes
 * every answer that carries it fail (threat S11).
 */
export function isTooDeep(text: string): boolean {
  // Every level is opened and closed.
  if (text.length <= 2 * LIMITS.jsonDepth || !hasMore(text, LIMITS.jsonDepth)) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i);
    else if (char === ']' || char === '}') depth--;
    else if ((char === '[' || char === '{') && ++depth > LIMITS.jsonDepth) return true;
  }
  return false;
}

/** Whether more than `count` brackets open in a text, those in strings included. Far quicker than to look at each character. */
function hasMore(text: string, count: number): boolean {
  let seen = 0;
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) if (++seen > count) return true;
  }
  return false;
}

/** The position of the quote that ends the string begun at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

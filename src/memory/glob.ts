/**
 * Whether `text` fits `pattern`, where `*` stands for any characters, `?` for one, and everything else for itself.
 *
 * It goes back to the last `*` only, so its time is bounded by the product of both lengths whatever the pattern.
 */
export function fitsGlob(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const expected = pattern[next];
    if (expected === '*') {
      star = next;
      resume = at;
      next += 1;
    } else if (expected === '?' || expected === text[at]) {
      at += 1;
      next += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      next = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[next] === '*') next += 1;
  return next === pattern.length;
}

import fc from 'fast-check';

/** What attacks on keys, on the protocol and on scripts are made of. */
export const FRAGMENTS = [
  ...['{', '}', '{}', '}{', ':', '%', '%7B', '%3A', '-', '*', '?', '[', ']', '\\', ' ', '"', "'", '$', '#', '/', '..'],
  ...['\r\n', '\n', '\r', '\0', '\u0085', '\u2028', '\u00a0', 'é', '😀', '1', 'a'],
  ...['*1\r\n$8\r\nFLUSHALL\r\n', '$-1\r\n', '+OK\r\n', '-NOSCRIPT no\r\n', 'NOSCRIPT ', 'WRONGTYPE '],
  ...["') redis.call('FLUSHALL') --", ']] .. redis.call("FLUSHALL") .. [[', 'KEYS[1]', 'ARGV[1]', '%s', '%d+'],
  ...['__proto__', 'constructor', 'l:', 'e:', 'd:', 'in:', '${id}', '{tag}'],
] as const;

/** Non-empty strings that have bytes of their own. */
export const hostileId = fc
  .string({
    unit: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...FRAGMENTS) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
    ),
    minLength: 1,
    maxLength: 8,
  })
  .filter((id) => id !== '' && id.isWellFormed());

/** Pairs that share their text, cut at different places: where separators fail and chance alone rarely looks. */
export const recutPairs = hostileId
  .filter((text) => text.length >= 3)
  .chain((text) => {
    // Three UTF-16 units are two characters at least, so there is a place to cut.
    const cut = fc
      .integer({ min: 1, max: text.length - 1 })
      .map((at) => ({ a: text.slice(0, at), b: text.slice(at) }))
      .filter(({ a, b }) => a.isWellFormed() && b.isWellFormed());
    return fc.tuple(cut, cut);
  });

import fc from 'fast-check';

/** Texts that look like parts of the tagged form, or like trouble. */
const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('$', '$date', '$map', '$set', '$undefined', '$nothing', '~', 'toString', 'constructor'),
);

const leaves = fc.oneof(
  texts,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(null, undefined, NaN, Infinity, -Infinity, -0),
  fc.uint8Array({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
);

/** Anything that a codec keeps, nested in arrays, objects, Maps and Sets. */
export const keptValues = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    leaves,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.tuple(texts, tie('value')),
    fc.dictionary(texts, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
  ),
})).value;

/** One level of each kind of container around a value. */
export const CONTAINERS: readonly (readonly [string, (inner: unknown) => unknown])[] = [
  ['array', (inner) => [inner]],
  ['object', (inner) => ({ inner })],
  ['Map value', (inner) => new Map([['inner', inner]])],
  ['Map key', (inner) => new Map([[inner, 1]])],
  ['Set', (inner) => new Set([inner])],
];

/** `levels` containers around a Date. */
export function nest(levels: number, around: (inner: unknown) => unknown): unknown {
  let value: unknown = new Date(0);
  for (let level = 0; level < levels; level++) value = around(value);
  return value;
}

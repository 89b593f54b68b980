import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ExpiringMap } from '../../../src/memory/expiring-map.js';

const FOR_EVER = Number.POSITIVE_INFINITY;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('ExpiringMap', () => {
  it('keeps a record up to the millisecond before its end', () => {
    const map = new ExpiringMap<string>();
    map.set('key', 'value', 1_000, 0);
    expect(map.get('key', 999)).toBe('value');
    expect(map.expiryOf('key', 999)).toBe(1_000);
    expect(map.get('key', 1_000)).toBeUndefined();
    expect(map.expiryOf('key', 1_000)).toBeUndefined();
  });

  it('gives an ended record back as soon as it is met', () => {
    const map = new ExpiringMap<string>();
    map.set('key', 'value', 1_000, 0);
    map.get('key', 1_000);
    expect(map.size).toBe(0);
  });

  it('replaces value and end of a record', () => {
    const map = new ExpiringMap<string>();
    map.set('key', 'old', 1_000, 0);
    map.set('key', 'new', FOR_EVER, 0);
    expect(map.get('key', 5_000)).toBe('new');
    expect(map.keys()).toEqual(['key']);
  });

  it('forgets a deleted record, and deleting it again is no error', () => {
    const map = new ExpiringMap<string>();
    map.set('key', 'value', FOR_EVER, 0);
    map.delete('key');
    map.delete('key');
    expect(map.get('key', 0)).toBeUndefined();
  });

  it('makes room for a new record by dropping the one used least recently', () => {
    const map = new ExpiringMap<number>(3);
    for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value, FOR_EVER, 0);
    map.get('a', 0);
    map.set('b', 9, FOR_EVER, 0);
    map.set('d', 3, FOR_EVER, 0);
    expect(map.keys()).toEqual(['a', 'b', 'd']);
  });

  it('drops nothing when a full map replaces a record', () => {
    const map = new ExpiringMap<number>(2);
    map.set('a', 1, FOR_EVER, 0);
    map.set('b', 2, FOR_EVER, 0);
    map.set('a', 3, FOR_EVER, 0);
    expect(map.size).toBe(2);
  });

  it('sweeps ended records that nobody asks for, while new ones come', () => {
    const map = new ExpiringMap<number>();
    for (let index = 0; index < 1_000; index += 1) map.set(`old-${index}`, index, 10, 0);
    for (let index = 0; index < 1_000; index += 1) map.set(`new-${index}`, index, FOR_EVER, 10);
    expect(map.size).toBe(1_000);
  });

  it('sweeps to the end although records in use move behind the sweep', () => {
    const map = new ExpiringMap<number>(10_000);
    for (let index = 0; index < 100; index += 1) map.set(`hot-${index}`, index, FOR_EVER, 0);
    for (let index = 0; index < 100; index += 1) map.set(`old-${index}`, index, 10, 0);
    for (let index = 0; index < 1_000; index += 1) {
      for (let hot = 0; hot < 100; hot += 1) map.get(`hot-${hot}`, 10);
      map.set(`new-${index}`, index, FOR_EVER, 10);
    }
    expect(map.keys().filter((key) => key.startsWith('old-'))).toEqual([]);
  });

  it.each<[string, (map: ExpiringMap<number>, key: string) => void]>([
    ['read', (map, key) => map.get(key, 0)],
    ['replaced', (map, key) => map.set(key, 1, FOR_EVER, 0)],
  ])('keeps no memory of records that are %s again and again', (_what, use) => {
    const map = new ExpiringMap<number>(100_000);
    const keys = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);
    for (const key of keys) map.set(key, 0, FOR_EVER, 0);
    const before = heapBytes();
    for (let round = 0; round < 50; round += 1) for (const key of keys) use(map, key);
    const grown = heapBytes() - before;
    expect(map.size).toBe(keys.length);
    expect(grown).toBeLessThan(5 * 2 ** 20);
  });

  it('answers like a plain list of records, whatever the operations', () => {
    const operation = fc.record({
      kind: fc.constantFrom('set', 'get', 'delete', 'wait'),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      ms: fc.constantFrom(1, 2, 5, FOR_EVER),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const map = new ExpiringMap<number>();
        const model: Record<string, { value: number; endsMs: number }> = {};
        let nowMs = 0;
        for (const [index, { kind, key, ms }] of operations.entries()) {
          if (kind === 'wait') nowMs += Number.isFinite(ms) ? ms : 3;
          if (kind === 'delete') {
            map.delete(key);
            Reflect.deleteProperty(model, key);
          }
          if (kind === 'set') {
            map.set(key, index, nowMs + ms, nowMs);
            model[key] = { value: index, endsMs: nowMs + ms };
          }
          const expected = model[key];
          expect(map.get(key, nowMs)).toBe(expected && expected.endsMs > nowMs ? expected.value : undefined);
        }
      }),
    );
  });
});

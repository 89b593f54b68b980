import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../../../src/store/limits.js';
import { TxnBuffer } from '../../../src/txn/txn-buffer.js';

const put = (value: string, ttlMs = 0) => ({ kind: 'put', value, ttlMs }) as const;
const remove = { kind: 'delete' } as const;
const version = (number: number) => ({ kind: 'version', version: number }) as const;
const exists = { kind: 'exists' } as const;

function buffer({ maxKeys = 8, maxBytes = 100 } = {}): TxnBuffer {
  return new TxnBuffer({ maxKeys, maxBytes });
}

describe('what a transaction sees of a key', () => {
  it('is nothing before it has read or written it', () => {
    expect(buffer().view('a')).toBeUndefined();
  });

  it('is what it read first, also when that was nothing', () => {
    const seen = buffer();
    seen.recordRead('a', { value: 'one', version: 1 });
    seen.recordRead('a', { value: 'two', version: 2 });
    seen.recordRead('absent', undefined);
    seen.recordRead('absent', { value: 'late', version: 3 });
    expect(seen.view('a')).toEqual({ value: 'one', version: 1 });
    expect(seen.view('absent')).toEqual({ value: undefined, version: 0 });
  });

  it('is its own write, with the version it replaces', () => {
    const own = buffer();
    own.recordRead('a', { value: 'one', version: 1 });
    own.put('a', put('mine'));
    own.put('blind', put('mine too'));
    expect(own.view('a')).toEqual({ value: 'mine', version: 1 });
    expect(own.view('blind')).toEqual({ value: 'mine too', version: 0 });
    own.put('a', remove);
    expect(own.view('a')).toEqual({ value: undefined, version: 1 });
  });

  it('stays the value read when the key only gets a new version', () => {
    const bumped = buffer();
    bumped.recordRead('a', { value: 'one', version: 1 });
    bumped.put('a', { kind: 'bump', ttlMs: 5 });
    expect(bumped.view('a')).toEqual({ value: 'one', version: 1 });
    expect(bumped.hasWrite('a')).toBe(true);
  });
});

describe('the operations of a commit', () => {
  function history(): TxnBuffer {
    const txn = buffer();
    txn.recordRead('read', { value: 'r', version: 4 });
    txn.recordRead('missed', undefined);
    txn.recordRead('both', { value: 'b', version: 5 });
    txn.put('both', put('new', 7));
    txn.put('blind', put('new'));
    txn.put('away', remove);
    return txn;
  }

  it('compare everything read when serializable, in the order of the keys', () => {
    expect(history().operations('serializable', 'timestamp')).toEqual([
      { kind: 'delete', key: 'away' },
      { kind: 'put', key: 'blind', value: 'new', ttlMs: 0, strategy: 'timestamp' },
      { kind: 'put', key: 'both', value: 'new', ttlMs: 7, strategy: 'timestamp', expected: version(5) },
      { kind: 'check', key: 'missed', expected: version(0) },
      { kind: 'check', key: 'read', expected: version(4) },
    ]);
  });

  it('compare only what is read and written when read-committed', () => {
    expect(history().operations('read-committed', 'counter')).toEqual([
      { kind: 'delete', key: 'away' },
      { kind: 'put', key: 'blind', value: 'new', ttlMs: 0, strategy: 'counter' },
      { kind: 'put', key: 'both', value: 'new', ttlMs: 7, strategy: 'counter', expected: version(5) },
    ]);
  });

  it.each([
    { demanded: version(9), read: undefined, expected: version(9) },
    { demanded: version(9), read: 9, expected: version(9) },
    { demanded: exists, read: undefined, expected: exists },
    { demanded: exists, read: 9, expected: version(9) },
  ])('compare what the client demands of a key: $demanded, of which version $read was read', (example) => {
    const txn = buffer();
    if (example.read !== undefined) txn.recordRead('a', { value: 'x', version: example.read });
    txn.put('a', put('new'));
    const [operation] = txn.operations('read-committed', 'timestamp', { key: 'a', expected: example.demanded });
    expect(operation).toMatchObject({ kind: 'put', expected: example.expected });
  });

  it.each([
    { demanded: version(9), read: 8 },
    { demanded: version(9), read: 0 },
    { demanded: version(0), read: 9 },
    { demanded: exists, read: 0 },
  ])('G32: are none when the client demands $demanded and version $read was read', (example) => {
    const txn = buffer();
    txn.recordRead('a', example.read === 0 ? undefined : { value: 'x', version: example.read });
    txn.put('a', put('new'));
    const commit = () => txn.operations('read-committed', 'timestamp', { key: 'a', expected: example.demanded });
    const details = { key: 'a', actual: example.read };
    expect(commit).toThrow(expect.objectContaining({ code: 'PRECONDITION_FAILED', details }));
  });

  it('check a demand for a key that is not written', () => {
    const [operation] = buffer().operations('read-committed', 'timestamp', { key: 'a', expected: exists });
    expect(operation).toEqual({ kind: 'check', key: 'a', expected: exists });
  });
});

describe('an overlay', () => {
  it('sees the writes around it, and its own writes reach the outside only when it is merged', () => {
    const outer = buffer();
    outer.put('a', put('outer'));
    outer.put('b', put('outer'));
    const part = outer.overlay();
    part.put('b', put('part'));
    part.put('c', remove);
    expect([part.view('a')?.value, part.view('b')?.value]).toEqual(['outer', 'part']);
    expect([outer.view('b')?.value, outer.view('c')]).toEqual(['outer', undefined]);
    part.mergeIntoParent();
    expect([outer.view('b')?.value, outer.hasWrite('c')]).toEqual(['part', true]);
  });

  it('keeps its reads in the read set also when it is never merged', () => {
    const outer = buffer();
    outer.overlay().recordRead('a', { value: 'x', version: 3 });
    expect(outer.operations('serializable', 'timestamp')).toEqual([{ kind: 'check', key: 'a', expected: version(3) }]);
  });
});

describe('the limits of a transaction', () => {
  const full = { code: 'LIMIT_EXCEEDED' };
  const refusal = expect.objectContaining(full);

  it('G25: counts keys once, however often they are read and written, overlays included', () => {
    const txn = buffer({ maxKeys: 2 });
    txn.recordRead('a', undefined);
    txn.put('a', put('x'));
    const part = txn.overlay();
    part.put('b', put('x'));
    part.put('b', remove);
    expect(() => part.put('c', put('x'))).toThrow(refusal);
    expect(() => part.recordRead('c', undefined)).toThrow(refusal);
    expect(txn.view('c')).toBeUndefined();
  });

  it('G25: counts the bytes it would write, a value that is replaced not at all', () => {
    const txn = buffer({ maxBytes: 10 });
    txn.put('a', put('12345678'));
    txn.put('a', put('1234567890'));
    expect(() => txn.put('b', put('x'))).toThrow(refusal);
    txn.put('a', remove);
    txn.put('b', put('éé'));
    expect(() => txn.put('c', put('1234567'))).toThrow(
      expect.objectContaining({ ...full, details: { bytes: 11, limit: 10 } }),
    );
    txn.put('c', put('123456'));
  });

  it('G25: does not count a value twice that an overlay replaces', () => {
    const txn = buffer({ maxBytes: 10 });
    txn.put('a', put('1234567'));
    const part = txn.overlay();
    part.put('a', put('1234567'));
    part.put('b', put('123'));
    expect(() => part.put('c', put('1'))).toThrow(refusal);
  });

  it('G25: a value over the limit of one value is refused, whatever the transaction may write', () => {
    const txn = buffer({ maxBytes: LIMITS.txnBytes });
    txn.put('a', put('x'.repeat(LIMITS.valueBytes)));
    expect(() => txn.put('b', put('x'.repeat(LIMITS.valueBytes + 1)))).toThrow(refusal);
  });

  it('G25: several writes that do not fit together are refused together', () => {
    const txn = buffer({ maxKeys: 2, maxBytes: 10 });
    const tooMany = ['a', 'b', 'c'].map((key) => [key, put('x')] as const);
    expect(() => txn.putAll(tooMany)).toThrow(refusal);
    const tooLarge = ['a', 'b'].map((key) => [key, put('123456')] as const);
    expect(() => txn.putAll(tooLarge)).toThrow(refusal);
    expect([txn.hasWrite('a'), txn.hasWrite('b')]).toEqual([false, false]);
  });

  it('G22: two overlays that fit each but not together: the second is undone whole', () => {
    const txn = buffer({ maxBytes: 10 });
    const [first, second] = [txn.overlay(), txn.overlay()];
    first.put('a', put('123456'));
    second.put('b', put('1'));
    second.put('c', put('12345'));
    first.mergeIntoParent();
    expect(() => second.mergeIntoParent()).toThrow(refusal);
    expect([txn.hasWrite('a'), txn.hasWrite('b'), txn.hasWrite('c')]).toEqual([true, false, false]);
  });
});

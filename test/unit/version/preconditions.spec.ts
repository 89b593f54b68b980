import { EntryReader } from '../../../src/commit/entry-reader.js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HttpExchange } from '../../../src/pipeline/http-exchange.js';
import type { Expectation } from '../../../src/store/entry-operations.js';
import { isWriteMethod, notModified, preconditionOf } from '../../../src/version/preconditions.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let version: number;

beforeEach(async () => {
  app = await new TxnWorld().process();
  await app.cache.set('r', 'value');
  version = await app.versions.current('r');
  app.store.forget();
});

function request(headers: Readonly<Record<string, string>>): HttpExchange {
  const refuse = (): never => {
    throw new Error('a precondition sets nothing');
  };
  return {
    method: 'PATCH',
    url: '/',
    header: (name) => headers[name],
    setHeader: refuse,
    setDefaultHeader: refuse,
    varyBy: refuse,
    setStatus: refuse,
  };
}

const demandOf = (
  headers: Readonly<Record<string, string>>,
  key = 'r',
  isRequired = false,
): Promise<Expectation | undefined> => preconditionOf(request(headers), key, isRequired, new EntryReader(app.store));

describe('what a write demands', () => {
  it('is nothing without a header', async () => {
    expect(await demandOf({})).toBeUndefined();
  });

  it.each([
    ['one version', { 'if-match': '"5"' }, { kind: 'version', version: 5 }],
    ['no entry', { 'if-match': '"0"' }, { kind: 'version', version: 0 }],
    ['any entry', { 'if-match': '*' }, { kind: 'exists' }],
    ['no entry, to create one', { 'if-none-match': '*' }, { kind: 'version', version: 0 }],
    ['If-Match before If-None-Match', { 'if-match': '"5"', 'if-none-match': '*' }, { kind: 'version', version: 5 }],
  ])('G32: is %s, left to the commit to check', async (_what, headers, expected) => {
    expect(await demandOf(headers as never)).toEqual(expected);
    expect(app.store.count()).toBe(0);
  });

  it('G32: is the present version when that is one of a list', async () => {
    expect(await demandOf({ 'if-match': `"5", "${version}"` })).toEqual({ kind: 'version', version });
    expect(await demandOf({ 'if-match': '"5", "0"' }, 'absent')).toEqual({ kind: 'version', version: 0 });
  });

  it.each([
    ['a list without the present version', { 'if-match': '"5", "6"' }],
    ['tags of others', { 'if-match': '"abc"' }],
    ['a weak tag, which never matches strongly', { 'if-match': 'W/"5"' }],
    ['an empty header', { 'if-match': '' }],
  ])('G32: fails at once for %s', async (_what, headers) => {
    await expect(demandOf(headers as never)).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      details: { key: 'r' },
    });
  });

  it('G32: with If-None-Match is the present version unless that is in the list', async () => {
    expect(await demandOf({ 'if-none-match': '"5"' })).toEqual({ kind: 'version', version });
    expect(await demandOf({ 'if-none-match': '"5"' }, 'absent')).toEqual({ kind: 'version', version: 0 });
    for (const tag of [`"${version}"`, `W/"${version}"`]) {
      await expect(demandOf({ 'if-none-match': `"5", ${tag}` })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    }
  });

  it('G32: is required where the method says so; a header to create counts', async () => {
    const missing = { code: 'PRECONDITION_REQUIRED', details: { key: 'r' } };
    await expect(demandOf({}, 'r', true)).rejects.toMatchObject(missing);
    expect(await demandOf({ 'if-none-match': '*' }, 'r', true)).toEqual({ kind: 'version', version: 0 });
    expect(await demandOf({ 'if-match': '*' }, 'r', true)).toEqual({ kind: 'exists' });
  });
});

describe('a read that may be answered with 304', () => {
  it.each([
    ['"7"', 7, true],
    ['W/"7"', 7, true],
    ['"6", "7"', 7, true],
    ['*', 7, true],
    ['"6"', 7, false],
    ['"0"', 0, false],
    ['*', 0, false],
    ['garbage', 7, false],
  ])('G31: If-None-Match %s of an entry at version %i: %s', (header, present, expected) => {
    expect(notModified(request({ 'if-none-match': header }), present)).toBe(expected);
  });

  it('G31: is not one without the header', () => {
    expect(notModified(request({}), 7)).toBe(false);
  });
});

describe('the methods of HTTP', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('%s changes nothing', (method) =>
    expect(isWriteMethod(method)).toBe(false),
  );
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'ALL', 'PROPFIND', 'get'])('%s may change its resource', (method) =>
    expect(isWriteMethod(method)).toBe(true),
  );
});

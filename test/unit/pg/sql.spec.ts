import { describe, expect, it } from '@jest/globals';
import { runSql } from '../../../src/cls/run-sql.js';
import { markerTableSql, tableName } from '../../../src/pg/marker-table.js';
import { isConcurrencyFailure, isIdleLimit, sqlStateOf } from '../../../src/pg/postgres-errors.js';
import { postgresMarkers } from '../../../src/pg/postgres-markers.js';
import { sqlText } from '../../../src/pg/sql-text.js';

const HOSTILE = ["'", "''", '"', '\\', '?', '$1', ':name', '%s', '\u0000', '\n', '--', '/*', 'é', '\u{1F4BA}'];
/** What is left of a statement without what this library writes in it. */
const HARMLESS = /^[\w\s.,;:'"()=*/<>-]*$/;

describe('the text of a statement', () => {
  it('holds no character of a user’s text, so that no quoting rule and no placeholder can change it', () => {
    for (const text of [...HOSTILE, HOSTILE.join('')]) {
      const sql = sqlText(text);
      expect(sql).toBe(`convert_from(decode('${Buffer.from(text).toString('hex')}','hex'),'UTF8')`);
    }
  });

  it('holds none in the marker of a transaction', async () => {
    const sent: string[] = [];
    const source = { exec: (sql: string) => (sent.push(sql), Promise.resolve([])) };
    const markers = postgresMarkers(source);
    const never = (): never => {
      throw new Error('not here');
    };
    const transactions = { active: () => undefined, withDatabase: never, nestInDatabase: never };
    await markers.start({ transactions, namespace: 'shop', report: never, warn: never });
    const id = HOSTILE.join('');
    const sql = markers.markSql({ id, keys: [id], leftMs: 999.5, decider: '', isAskedFor: true });
    await markers.resolve(id);
    for (const statement of [sql, ...sent]) expect(statement).toMatch(HARMLESS);
    expect(sql).toContain(Buffer.from(JSON.stringify([id])).toString('hex'));
    expect(markers.markSql({ id, keys: [], leftMs: 1_000, decider: '', isAskedFor: false })).not.toContain('INSERT');
  });
});

describe('the name of the table', () => {
  it.each([
    ['cache_txn_marker', '"cache_txn_marker"'],
    ['app.Markers', '"app"."Markers"'],
  ])('%s is written as %s', (name, written) => {
    expect(tableName(name)).toBe(written);
    expect(markerTableSql(name)).toContain(`CREATE TABLE IF NOT EXISTS ${written} (`);
  });

  it.each(['', 'a b', 'a"', 'a;b', '1a', 'a.b.c', '.a', 'a.', 'x'.repeat(51), 'é'])('%j is refused', (name) => {
    expect(() => tableName(name)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

describe('the SQLSTATE of an error', () => {
  const state = { code: '40001' };
  it.each<[string, unknown, string | undefined]>([
    ['of pg', state, '40001'],
    ['wrapped by Drizzle', { message: 'Failed query', cause: state }, '40001'],
    ['wrapped by TypeORM', { driverError: state }, '40001'],
    ['wrapped twice', { cause: { cause: { driverError: state } } }, '40001'],
    ['of Prisma', { code: 'P2034' }, 'P2034'],
    ['that is none', { code: 'ECONNRESET', cause: { code: 'STORE_UNAVAILABLE' } }, undefined],
    ['of nothing', undefined, undefined],
    ['of a text', 'text', undefined],
  ])('%s', (_what, error, expected) => {
    expect(sqlStateOf(error)).toBe(expected);
    expect(isConcurrencyFailure(error)).toBe(expected === '40001' || expected === 'P2034');
    expect(isIdleLimit(error)).toBe(false);
    expect(isIdleLimit(Object.assign(new Error('ended'), { cause: { code: '25P03' } }))).toBe(true);
  });

  it('of an error that is its own cause ends', () => {
    const error: { cause?: unknown } = {};
    error.cause = error;
    expect(sqlStateOf(error)).toBeUndefined();
  });
});

describe('a statement in a transaction of a mapper', () => {
  const noting = (name: string, more = {}) => {
    const tx = { ...more, [name]: (sql: string) => Promise.resolve(`${name} ${sql}`) };
    return tx;
  };

  it.each<[string, unknown, string]>([
    ['Prisma', noting('$executeRawUnsafe'), '$executeRawUnsafe S'],
    ['Knex, a function', Object.assign(() => undefined, noting('raw')), 'raw S'],
    ['TypeORM or pg', noting('query'), 'query S'],
    ['Drizzle, whose `query` holds its tables', noting('execute', { query: {} }), 'execute S'],
  ])('of %s', async (_mapper, tx, ran) => {
    expect(await runSql(tx, 'S')).toBe(ran);
  });

  it.each([undefined, null, 1, {}, { query: {} }])('of %j is refused with what to do', async (tx) => {
    await expect(runSql(tx, 'S')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

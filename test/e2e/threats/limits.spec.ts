import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddressInfo } from 'node:net';
import { LIMITS } from '../../../src/store/limits.js';
import { traceCommands } from '../../support/counting/command-trace.js';
import { type Answer, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { LimitsController } from './limits.controller.js';

const MIB = 1_048_576;

let scene: TxnScene;
let app: TxnApp;

beforeAll(async () => {
  scene = await TxnScene.start();
  app = await scene.app({ controllers: [LimitsController] });
});
afterAll(() => scene.stop());

const ask = (path: string, body?: unknown): Promise<Answer> => app.send('POST', `/much/${path}`, { body });

/** The answer is 413 with this text, and not one command has reached Redis. */
async function expectTooMuch(message: RegExp, path: string, body?: unknown): Promise<void> {
  const ended = await traceCommands(scene.redis);
  const answer = await ask(path, body);
  expect(await ended()).toEqual([]);
  expect([answer.status, answer.body]).toEqual([
    413,
    { statusCode: 413, code: 'LIMIT_EXCEEDED', message: expect.stringMatching(message) },
  ]);
}

/** Text that gets past the body parser of the HTTP adapter. */
async function postRaw(path: string, body: string): Promise<number> {
  const { port } = app.app.getHttpServer().address() as AddressInfo;
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`http://127.0.0.1:${port}/much/${path}`, { method: 'POST', headers, body })).status;
}

const plant = (key: string, text: string): Promise<unknown> =>
  scene.redis.hset(`${app.namespace}:e:${key}`, { v: text, ver: '7' });

describe('G25: S08 huge keys, and many of them', () => {
  it('a key or lock name over 512 bytes is refused before anything is sent', async () => {
    expect([LIMITS.keyBytes, LIMITS.lockNames, LIMITS.txnKeys]).toEqual([512, 128, 128]);
    await expectTooMuch(/513 bytes, the limit is 512/, `key/${'k'.repeat(513)}`);
    // Three bytes each, and nine once they are escaped.
    await expectTooMuch(/\d bytes, the limit is 512/, `key/${encodeURIComponent('\u2028'.repeat(57))}`);
    expect((await ask(`key/${'k'.repeat(512)}`)).status).toBe(201);
  });

  it('the message quotes no more than the beginning of such a key', async () => {
    const { text } = await ask(`key/${'k'.repeat(5_000)}`);
    expect(text.length).toBeLessThan(300);
  });

  it('more than 128 names of one lock are refused before anything is sent', async () => {
    await expectTooMuch(/129 names; the limit is 128/, 'names', { count: 129 });
    expect((await ask('names', { count: 128 })).status).toBe(201);
  });

  it.each(['keys', 'reads', 'reads-alone'])(
    'more than 128 keys of one transaction or call are refused before anything is sent: %s',
    async (path) => {
      await expectTooMuch(/128/, path, { count: 129 });
      expect((await ask(path, { count: 128 })).status).toBe(201);
    },
  );
});

describe('G25: S09 huge values', () => {
  it('a value over 1 MiB is refused before anything is sent', async () => {
    expect(LIMITS.valueBytes).toBe(MIB);
    await expectTooMuch(/1048577 bytes, the limit is 1048576/, 'value', { bytes: MIB + 1 });
    expect((await ask('value', { bytes: MIB })).status).toBe(201);
  });

  it('more than 8 MiB of one transaction are refused before anything is sent', async () => {
    expect(LIMITS.txnBytes).toBe(8 * MIB);
    const eight = Array<number>(8).fill(MIB);
    await expectTooMuch(/8388610|8388608/, 'values', { bytes: [...eight, 2] });
    expect((await ask('values', { bytes: eight })).status).toBe(201);
  });

  it('a value over 1 MiB that somebody else wrote is a miss and a line in the log, and is not parsed', async () => {
    await plant('huge', JSON.stringify('x'.repeat(MIB)));
    expect((await app.send('GET', '/much/kept/huge')).body).toEqual({ kept: 'nothing' });
    expect(app.log.join('\n')).toMatch(
      /cache read: .*1048578 bytes, the limit is 1048576; it counts as a miss.*"huge"/,
    );
    await plant('huge', JSON.stringify('x'.repeat(MIB - 2)));
    expect((await app.cache.get<string>('huge'))?.length).toBe(MIB - 2);
  });
});

describe('S11 broken and deep JSON', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it.each([
    ['broken', '{"a":'],
    ['empty', ''],
    ['binary', '\0\u0001\ufffd'],
    ['undefined', 'undefined'],
    ['deep', nested(100_000)],
    ['deep-in-objects', `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`],
    ['deep-and-broken', '['.repeat(100_000)],
    ['deep-in-tags', `$${'["$map",'.repeat(50_000)}1${',1]'.repeat(50_000)}`],
    ['tags-and-broken', '$["$date",'],
  ])('in an entry that somebody else wrote is a miss and a line in the log: %s', async (id, text) => {
    await plant(id, text);
    const answer = await app.send('GET', `/much/kept/${id}`);
    expect([answer.status, answer.body]).toEqual([200, { kept: 'nothing' }]);
    const lines = app.log.filter((line) => line.includes(`"${id}"`));
    expect(lines).toEqual([expect.stringMatching(/cache read: .*it counts as a miss/)]);
    expect(lines.join().length).toBeLessThan(300);
  });

  it('braces in texts are not depth', async () => {
    const text = '[{"\\"'.repeat(5_000);
    await app.cache.set('text', { text });
    expect(await app.cache.get('text')).toEqual({ text });
  });

  it('from a caller is refused with 413, and what may be written can be read', async () => {
    for (const depth of [1_001, 40_000]) {
      expect(await postRaw('kept/posted', nested(depth))).toBe(413);
    }
    expect(await postRaw('kept/posted', nested(1_000))).toBe(201);
    const read = await app.send('GET', '/much/kept/posted');
    expect([read.status, read.text]).toEqual([200, `{"kept":${nested(1_000)}}`]);
  });
});

describe('S12 entries that somebody else made up', () => {
  it.each([
    ['an-unknown-tag', '$["$function","return process"]'],
    ['a-known-name', '$["$constructor","a"]'],
    ['another-kind', '$["$date","now"]'],
    ['half-a-map', '$["$map",1]'],
    ['a-mark-of-nothing', '$["$",1]'],
    ['another-codec', '%\u0081'],
  ])('are a miss and a line in the log, which is counted: %s', async (id, text) => {
    await plant(id, text);
    const before = app.cache.statistics().unreadable;
    const answer = await app.send('GET', `/much/kept/${id}`);
    expect([answer.status, answer.body]).toEqual([200, { kept: 'nothing' }]);
    expect(app.log.filter((line) => line.includes(`"${id}"`))).toHaveLength(1);
    expect(app.cache.statistics().unreadable).toBe(before + 1);
  });

  it('of another shape than the caller takes are a miss likewise, and are replaced', async () => {
    await plant('another-shape', '{"role":"admin"}');
    const validate = (value: unknown): boolean => typeof (value as { title?: unknown } | null)?.title === 'string';
    const before = app.cache.statistics().unreadable;
    expect(await app.cache.get('another-shape', { validate })).toBeUndefined();
    expect(await app.cache.getOrLoad('another-shape', () => ({ title: 'Emma' }), { validate })).toEqual({
      title: 'Emma',
    });
    expect(await app.cache.get('another-shape')).toEqual({ title: 'Emma' });
    const lines = app.log.filter((line) => line.includes('"another-shape"'));
    expect([app.cache.statistics().unreadable - before, lines.length]).toEqual([2, 2]);
    expect(lines.join()).not.toContain('admin');
  });

  it('make data, whose prototypes are those of the language', async () => {
    await plant('made-up', '${"__proto__":{"admin":true},"at":["$date",0],"by":["$map","__proto__",{"admin":true}]}');
    const made = await app.cache.get<Record<string, unknown>>('made-up');
    // Maps are asked for their content by whatever prints them, their prototype has none.
    expect(Object.getPrototypeOf(made) === Object.prototype).toBe(true);
    expect(Object.getPrototypeOf(made?.['by']) === Map.prototype).toBe(true);
    expect([({} as Record<string, unknown>)['admin'], made?.['admin']]).toEqual([undefined, undefined]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Locked, redisStore, Versioned } from 'nestjs-cache-txn';
import { connect, type AddressInfo } from 'node:net';
import { loadScript } from '../../../src/redis/commands/script.js';
import { traceCommands } from '../../support/counting/command-trace.js';
import { eventually } from '../../support/eventually.js';
import { observer, storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { ADAPTERS, type Answer, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { AddressedController, type Kept } from './addressed.controller.js';
import { FRAGMENTS, hostileId } from './hostile-ids.js';

const SCRIPTS = new Set(['commit', 'lock-acquire', 'lock-release'].map((name) => loadScript(name).sha1));

let scene: TxnScene;
let app: TxnApp;

beforeAll(async () => {
  scene = await TxnScene.start();
  app = await scene.app({ controllers: [AddressedController] });
  await byBody('warm-up');
});
afterAll(() => scene.stop());

const byBody = (id: string): Promise<Answer> => app.send('POST', '/by/body', { body: { id } });
const byPath = (id: string): Promise<Answer> => app.send('POST', `/by/path/${encodeURIComponent(id)}`);
const byQuery = (id: string): Promise<Answer> => app.send('POST', `/by/query?id=${encodeURIComponent(id)}`);
const byHeader = (id: string): Promise<Answer> => app.send('POST', '/by/header', { headers: { 'x-id': id } });

/** The id came back as it went, under a key of this namespace, and nothing else has happened to the server. */
async function expectHarmless(id: string, send: (id: string) => Promise<Answer>): Promise<void> {
  await scene.redis.set('canary', 'alive');
  const ended = await traceCommands(scene.redis);
  const answer = await send(id);
  const sent = await ended();
  expect(answer.status).toBe(201);
  const { name } = answer.body as Kept;
  expect(await app.cache.get(name)).toBe(id);
  for (const [command, ...args] of sent) {
    if (command === 'HMGET') expect(args[0]).toBe(`${app.namespace}:e:entry:${name.slice('id:'.length)}`);
    else expect([command, SCRIPTS.has(args[0] ?? '')]).toEqual(['EVALSHA', true]);
  }
  expect(await scene.redis.get('canary')).toBe('alive');
  const keys = await scene.redis.keys('*');
  expect(keys.filter((key) => key !== 'canary' && !key.startsWith(`${app.namespace}:`))).toEqual([]);
}

describe('G37: S06 line breaks, NUL and the wire protocol in an id', () => {
  it.each([
    ['body', byBody],
    ['query', byQuery],
    ['path', byPath],
  ])(
    'are data and nothing else: by %s',
    async (_where, send) => {
      const inPath = (id: string): boolean => send !== byPath || !['.', '..'].includes(id);
      await fc.assert(
        fc.asyncProperty(hostileId.filter(inPath), (id) => expectHarmless(id, send)),
        { numRuns: 40, examples: FRAGMENTS.filter(inPath).map((id): [string] => [id]) },
      );
    },
    60_000,
  );

  it('are data in a header too, as far as HTTP lets them in', async () => {
    const isHeaderText = (id: string): boolean => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(id);
    for (const id of FRAGMENTS.filter(isHeaderText)) await expectHarmless(id, byHeader);
  }, 30_000);

  it.each(['a\0b', 'a\rb'])('never arrive in a header: %j', async (id) => {
    const before = AddressedController.runs;
    const { port } = app.app.getHttpServer().address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString()));
    socket.write(`POST /by/header HTTP/1.1\r\nHost: x\r\nX-Id: ${id}\r\nContent-Length: 0\r\n\r\n`);
    await eventually(() => text.startsWith('HTTP/1.1 400'), { what: 'the refusal' });
    socket.destroy();
    expect(AddressedController.runs).toBe(before);
  });
});

describe('S07 Lua in an id', () => {
  it('meets scripts that are constants: whatever was sent, the server knows our files and no other script', async () => {
    const ids = ["') return redis.call('FLUSHALL') --", ']] redis.call("SET", "pwned", 1) --[[', '%1%2', 'KEYS[1]'];
    for (const id of ids) await expectHarmless(id, byBody);
    expect(await scene.redis.exists('pwned')).toBe(0);
    const fixed = (await scene.redis.script('EXISTS', ...SCRIPTS)) as number[];
    expect(fixed).toEqual([...SCRIPTS].map(() => 1));
    expect(await scene.redis.info('memory')).toContain(`number_of_cached_scripts:${SCRIPTS.size}\r\n`);
  });

  it('cannot make a refusal look like an unknown script, which would send the call a second time', async () => {
    // This server repeats the arguments of a command that it does not know, ids included.
    const server = await startRedisServer({ args: ['--rename-command', 'EVALSHA', ''] });
    const client = observer(server);
    const other = await scene.app({
      controllers: [AddressedController],
      module: { store: redisStore(storeOptions(server)), lock: { wait: 0 } },
    });
    const ended = await traceCommands(client);
    for (const id of ['NOSCRIPT', 'NOSCRIPT No matching script', '-NOSCRIPT ']) {
      const { status, text } = await other.send('POST', '/by/body', { body: { id } });
      expect([status, text.includes('NOSCRIPT')]).toEqual([503, false]);
    }
    expect((await ended()).map(([name]) => name)).not.toContain('EVAL');
    client.disconnect();
    await server.stop();
  });
});

describe.each(ADAPTERS)('S10 prototypes, on %s', (adapter) => {
  /** As JSON.parse makes it: an own property with that name. */
  const POISON = '{"__proto__":{"polluted":1,"id":"stolen"},"constructor":{"prototype":{"polluted":1,"id":"stolen"}}}';
  let poisoned: TxnApp;

  beforeAll(async () => {
    poisoned = await scene.app({ controllers: [AddressedController], adapter });
  });

  it('are not read by a placeholder: what nobody sent is missing', async () => {
    const before = AddressedController.runs;
    for (const [path, body] of [
      ['body', JSON.parse('{"__proto__":{"id":"stolen"}}')],
      ['nested', JSON.parse('{"order":{"__proto__":{"id":"stolen"}}}')],
      ['nested', JSON.parse('{"__proto__":{"order":{"id":"stolen"}}}')],
      ['query?__proto__[id]=stolen', undefined],
      ['query?constructor[prototype][id]=stolen', undefined],
    ] as const) {
      const answer = await poisoned.send('POST', `/by/${path}`, body === undefined ? {} : { body });
      expect(answer.status).toBe(400); // Fastify refuses a body with `__proto__` by itself.
    }
    expect(AddressedController.runs).toBe(before);
    expect(({} as Record<string, unknown>)['id']).toBeUndefined();
  });

  it('in a value are own properties of a copy, and change nobody else', async () => {
    const { cache } = poisoned;
    await cache.set('poison', JSON.parse(POISON));
    const value = (await cache.get<Record<string, unknown>>('poison'))!;
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    await cache.setMany(JSON.parse('{"__proto__":1,"constructor":2,"toString":3}') as Record<string, number>);
    expect(await cache.getMany(['__proto__', 'constructor', 'toString', 'valueOf'])).toEqual(
      new Map([
        ['__proto__', 1],
        ['constructor', 2],
        ['toString', 3],
      ]),
    );
  });

  it('in options are no options', async () => {
    const module = JSON.parse('{"__proto__":{"namespace":"stolen"},"txn":{"__proto__":{"timeout":1}}}') as object;
    const { cache, namespace } = await scene.app({ module, adapter });
    await cache.set('a', 1);
    expect([await scene.redis.exists('stolen:e:a'), await scene.redis.exists(`${namespace}:e:a`)]).toEqual([0, 1]);
  });

  it('as ids are names like any other', async () => {
    for (const id of ['__proto__', 'constructor', 'prototype', 'hasOwnProperty']) {
      const { status, body } = await poisoned.send('POST', `/by/query?id=${id}`);
      expect([status, body]).toEqual([201, { name: `id:${id}` }]);
    }
  });
});

describe('S10 a template that reads a prototype', () => {
  it.each(['{body.__proto__.x}', '{body.constructor.name}', '{query.a.prototype}', '{args.0.__proto__}'])(
    'is refused when the class is defined: %s',
    (template) => {
      expect(() => Locked(template)).toThrow(/which is no property of the caller's/);
      expect(() => Versioned({ resource: template })).toThrow(/which is no property of the caller's/);
    },
  );
});

describe('S10 a prototype that something else in the process has polluted', () => {
  it('has nothing for a placeholder: a missing id stays missing', async () => {
    // A name that nothing but the template reads: Node's own timers have an `id`.
    const polluted = Object.prototype as { ticketNumber?: string };
    polluted.ticketNumber = 'everybody';
    try {
      const answer = await app.send('POST', '/by/ticket', { body: { other: 1 } });
      expect([answer.status, answer.body.code]).toEqual([400, 'KEY_TEMPLATE']);
    } finally {
      delete polluted.ticketNumber;
    }
  });
});

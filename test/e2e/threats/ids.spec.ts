import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { memoryStore } from 'nestjs-cache-txn';
import { hashSlot } from '../../../src/store/hash-slot.js';
import { KeySpace } from '../../../src/store/key-space.js';
import { traceCommands } from '../../support/counting/command-trace.js';
import { observer } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { ADAPTERS, type RequestOptions, type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { AddressedController, type Kept } from './addressed.controller.js';
import { hostileId, recutPairs } from './hostile-ids.js';

let scene: TxnScene;
/** On Redis, by HTTP adapter. */
let apps: Record<(typeof ADAPTERS)[number], TxnApp>;
/** For many requests: the names are made before any store is asked. */
let quick: TxnApp;

beforeAll(async () => {
  scene = await TxnScene.start();
  const controllers = [AddressedController];
  apps = {
    express: await scene.app({ controllers }),
    fastify: await scene.app({ controllers, adapter: 'fastify' }),
  };
  quick = await scene.app({ controllers, module: { store: memoryStore() } });
});
beforeEach(() => {
  AddressedController.runs = 0;
});
afterAll(() => scene.stop());

type Request = readonly [path: string, options?: RequestOptions];

/** The answer is 400, the method did not run, and nothing was sent to Redis. */
async function expectRefused(app: TxnApp, [path, options]: Request, placeholder: string): Promise<void> {
  const ended = await traceCommands(scene.redis);
  const answer = await app.send('POST', `/by/${path}`, options);
  const sent = await ended();
  expect([answer.status, answer.body.code]).toEqual([400, 'KEY_TEMPLATE']);
  expect(answer.body.message).toContain(`{${placeholder}}`);
  expect([sent, AddressedController.runs]).toEqual([[], 0]);
}

async function nameOf(id: unknown): Promise<string> {
  const answer = await quick.send('POST', '/by/body', { body: { id } });
  expect(answer.status).toBe(201);
  return (answer.body as Kept).name;
}

describe.each(ADAPTERS)('G37: S01 an array or object where an id belongs, on %s', (adapter) => {
  it.each<[string, Request]>([
    ['query.id', ['query?id=a&id=b']],
    ['query.id', ['query?id[]=a']],
    ['query.id', ['query?id[x]=a']],
    ['body.id', ['body', { body: { id: ['a', 'b'] } }]],
    ['body.id', ['body', { body: { id: ['a'] } }]],
    ['body.id', ['body', { body: { id: { toString: 'a' } } }]],
    ['body.id', ['body', { body: { id: true } }]],
    ['body.order.id', ['nested', { body: { order: [{ id: 'a' }] } }]],
    ['body.order.id', ['nested', { body: { order: 'id' } }]],
    ['headers.set-cookie', ['cookies', { headers: { 'set-cookie': 'a=1' } }]],
  ])('is refused before any store call: %s of %j', (placeholder, request) =>
    expectRefused(apps[adapter], request, placeholder),
  );

  it('and a number is none: it is taken as it is written', async () => {
    const answer = await apps[adapter].send('POST', '/by/body', { body: { id: 7.5 } });
    expect([answer.status, answer.body]).toEqual([201, { name: 'id:7.5' }]);
  });
});

describe.each(ADAPTERS)('G37: S02 a missing or empty id, on %s', (adapter) => {
  it.each<[string, Request]>([
    ['query.id', ['query']],
    ['query.id', ['query?id=']],
    ['query.id', ['query?id']],
    ['query.id', ['query?Id=a']],
    ['body.id', ['body']],
    ['body.id', ['body', { body: {} }]],
    ['body.id', ['body', { body: [] }]],
    ['body.id', ['body', { body: { id: '' } }]],
    ['body.id', ['body', { body: { id: null } }]],
    ['headers.x-id', ['header']],
    ['headers.x-id', ['header', { headers: { 'x-id': '' } }]],
  ])('is refused, so that nobody shares a lock with everybody: %s of %j', (placeholder, request) =>
    expectRefused(apps[adapter], request, placeholder),
  );
});

describe('G37: S03 an id with braces', () => {
  let clusterNode: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    clusterNode = await startRedisServer({ args: ['--cluster-enabled', 'yes'], access: 'plain' });
    client = observer(clusterNode);
  });
  afterAll(async () => {
    client.disconnect();
    await clusterNode.stop();
  });

  const slotsAtServer = (keys: readonly string[]): Promise<unknown[]> =>
    Promise.all(keys.map((key) => client.cluster('KEYSLOT', key)));

  it('never moves a slot: the whole key decides, here and at a server', async () => {
    const space = new KeySpace('shop');
    await fc.assert(
      fc.asyncProperty(hostileId, async (id) => {
        const name = await nameOf(id);
        const keys = [space.lock(name), space.entry(name)];
        const slots = keys.map(hashSlot);
        expect(await slotsAtServer(keys)).toEqual(slots);
        // In braces the whole key is the tag, unless the key itself ends it.
        expect(await slotsAtServer(keys.map((key) => `{${key}}`))).toEqual(slots);
        // Behind a tag of the application, the tag still decides.
        expect(await slotsAtServer(keys.map((key) => `{tenant-7}${key}`))).toEqual(
          keys.map(() => hashSlot('tenant-7')),
        );
      }),
      { numRuns: 150 },
    );
  }, 30_000);
});

describe('G37: S04 an id with the separator', () => {
  it('never gives the key of another id', async () => {
    const ids = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(hostileId, async (id) => {
        const name = await nameOf(id);
        expect(ids.get(name) ?? id).toBe(id);
        ids.set(name, id);
      }),
      { numRuns: 300 },
    );
  }, 30_000);

  it.each(['pair', 'dashed'])(
    'never moves text from one id of a key into the next: %s',
    async (path) => {
      await fc.assert(
        fc.asyncProperty(recutPairs, async (pairs) => {
          const answers = await Promise.all(pairs.map((body) => quick.send('POST', `/by/${path}`, { body })));
          const [one, other] = answers.map(({ body }) => (body as Kept).name);
          expect(answers.map(({ status }) => status)).toEqual([201, 201]);
          expect(one === other).toBe(pairs[0].a === pairs[1].a);
        }),
        { numRuns: 150 },
      );
    },
    30_000,
  );

  it('never leaves its part of the namespace: another user’s lock, an entry, an outcome', async () => {
    const app = apps.express;
    for (const id of [`${app.namespace}:l:id:victim`, ':l:id:victim', '../victim', 'x\n:l:victim']) {
      const { body } = await app.send('POST', '/by/body', { body: { id } });
      expect((body as Kept).name.slice('id:'.length)).not.toMatch(/[:{}\s]/);
    }
  });
});

describe('G37: S05 lone surrogates', () => {
  it.each(ADAPTERS)('have no bytes of their own, and are refused before any store call, on %s', async (adapter) => {
    for (const id of ['\ud800', 'a\udfff', '\udc00\ud800']) {
      await expectRefused(apps[adapter], ['body', { body: { id } }], 'body.id');
    }
  });

  it('are refused in keys of services, so that two of them never meet in one key', async () => {
    const { cache, locks, versions } = apps.express;
    for (const key of ['\ud800', '\ud801']) {
      const refused = { code: 'KEY_TEMPLATE' };
      await expect(cache.set(key, 1)).rejects.toMatchObject(refused);
      await expect(locks.acquire(key)).rejects.toMatchObject(refused);
      await expect(versions.current(key)).rejects.toMatchObject(refused);
    }
  });

  it.each(ADAPTERS)('in a path are refused by %s itself', async (adapter) => {
    const { status } = await apps[adapter].send('POST', '/by/path/%ED%A0%80');
    expect([status, AddressedController.runs]).toEqual([400, 0]);
  });
});

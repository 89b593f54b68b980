import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { redisStore, type RedisStoreOptions } from 'nestjs-cache-txn';
import { inspect } from 'node:util';
import { makeCertificate, type Certificate } from '../../support/servers/certificate.js';
import { countCommands, type CommandCounts } from '../../support/counting/command-stats.js';
import { observer, serverCertificate } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { AddressedController } from './addressed.controller.js';

const PASSWORD = 'planted-password';

let scene: TxnScene;
let server: RedisServer;
/** The certificate of a client, whose key is a secret. */
let client: Certificate;
let ca: string;
let admin: Redis;

beforeAll(async () => {
  scene = await TxnScene.start();
  server = await startRedisServer({ access: 'tls' });
  client = makeCertificate('DNS:client');
  ca = serverCertificate().cert;
  admin = observer(server);
  await admin.acl('SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
}, 20_000);
afterAll(async () => {
  admin.disconnect();
  await scene.stop();
  await server.stop();
});

const url = (host = '127.0.0.1', scheme = 'rediss'): string => `${scheme}://app:${PASSWORD}@${host}:${server.port}`;

const start = (options: RedisStoreOptions): Promise<TxnApp> =>
  scene.app({
    controllers: [AddressedController],
    module: { store: redisStore({ retryStrategy: () => 50, ...options }) },
  });

/** Everything a logger could print of an error. */
const printed = (error: unknown): string =>
  inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity }) + JSON.stringify(error);

/** What is wrong, and what the boot says of it. */
const WRONG: readonly (readonly [string, () => RedisStoreOptions, RegExp])[] = [
  ['a server whose authority nobody named', () => ({ url: url() }), /self-signed certificate\): .* tls\.ca/],
  ['another authority', () => ({ url: url(), tls: { ca: client.cert } }), /self-signed certificate/],
  [
    'another host name',
    () => ({ url: url(), tls: { ca, servername: 'cache.example' } }),
    /Hostname\/IP does not match certificate's altnames/,
  ],
  [
    'a server that speaks nothing but TLS',
    () => ({ url: url('127.0.0.1', 'redis') }),
    /did not answer within 2000 ms.*give rediss:\/\//,
  ],
  [
    'a key that is none',
    () => ({ url: url(), tls: { ca, cert: client.cert, key: 'planted-key' } }),
    /PEM|DECODER|key/i,
  ],
  [
    'a key of another certificate',
    () => ({ url: url(), tls: { ca, cert: ca, key: client.key } }),
    /key values mismatch/,
  ],
];

describe('S15 TLS', () => {
  it.each<[string, () => RedisStoreOptions]>([
    ['a URL and the authority of the server', () => ({ url: url(), tls: { ca } })],
    ['a URL with a name', () => ({ url: url('localhost'), tls: { ca } })],
    ['options', () => ({ host: '127.0.0.1', port: server.port, username: 'app', password: PASSWORD, tls: { ca } })],
    ['a certificate of the client', () => ({ url: url(), tls: { ca, key: client.key, cert: client.cert } })],
  ])('is passed through: %s', async (_with, options) => {
    const app = await start(options());
    const { status } = await app.send('POST', '/by/body', { body: { id: 'a' } });
    expect([status, await app.cache.get('id:a')]).toEqual([201, 'a']);
    await scene.closeApps();
  });

  describe('fails closed at boot, says why, and names no secret', () => {
    let commands: CommandCounts;
    let errors: ReadonlyMap<string, unknown>;

    beforeAll(async () => {
      const endCount = await countCommands(admin);
      const boots = WRONG.map(async ([what, options]) => {
        const failed: unknown = await start({ startTimeout: '2s', ...options() }).catch((error: unknown) => error);
        return [what, failed] as const;
      });
      errors = new Map(await Promise.all(boots));
      commands = await endCount();
    }, 20_000);

    it.each(WRONG)('%s', (what, _options, reason) => {
      const error = errors.get(what);
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringMatching(reason) });
      const [, keyLine = ''] = client.key.split('\n');
      expect(keyLine.length).toBeGreaterThan(20);
      for (const secret of ['planted', keyLine, PASSWORD]) expect(printed(error)).not.toContain(secret);
    });

    it('and sends nothing: no password, and nothing else, has reached the server', () => {
      expect(commands).toEqual({});
    });
  });
});

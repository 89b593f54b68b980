import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { observer, redisAccess, storeOptions } from '../support/servers/redis-access.js';
import { startRedisServer } from '../support/servers/redis-server.js';

const given = process.env['CACHE_TXN_E2E_REDIS'];

describe('CACHE_TXN_E2E_REDIS', () => {
  afterEach(() => {
    if (given === undefined) delete process.env['CACHE_TXN_E2E_REDIS'];
    else process.env['CACHE_TXN_E2E_REDIS'] = given;
  });

  it('is plain by default, and nothing but plain, acl and tls', () => {
    delete process.env['CACHE_TXN_E2E_REDIS'];
    expect(redisAccess()).toBe('plain');
    process.env['CACHE_TXN_E2E_REDIS'] = 'tsl';
    expect(() => redisAccess()).toThrow('CACHE_TXN_E2E_REDIS is tsl; it can be plain, acl, tls');
  });

  it.each(['plain', 'acl', 'tls'] as const)(
    '%s: the library connects as the user it has there, a test as the administrator',
    async (access) => {
      process.env['CACHE_TXN_E2E_REDIS'] = access;
      const server = await startRedisServer();
      const [admin, library] = [observer(server), new Redis(storeOptions(server))];
      expect(await library.hset('shop:e:1', 'v', 1)).toBe(1);
      expect([server.access, await admin.acl('WHOAMI')]).toEqual([access, 'default']);
      const users = String(await admin.client('LIST')).match(/user=\w+/g);
      expect(users).toEqual(['user=default', `user=${access === 'acl' ? 'library' : 'default'}`]);
      const isEncrypted = 'encrypted' in library.stream;
      expect(isEncrypted).toBe(access === 'tls');
      admin.disconnect();
      library.disconnect();
      await server.stop();
    },
  );
});

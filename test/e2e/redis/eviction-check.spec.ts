import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer, type RedisServer } from '../../support/servers/redis-server.js';
import { provesItself, useStores } from './stores.js';

describe('the check of a server that may evict locks', () => {
  const stores = useStores();
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedisServer({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'volatile-lru'] });
  });

  afterAll(() => server.stop());

  it('warns by default, and the store works', async () => {
    const { store, warnings } = await stores.start(storeOptions(server));
    expect(warnings).toEqual([expect.stringMatching(/may evict locks: maxmemory-policy is volatile-lru/)]);
    await provesItself(store);
  });

  it("stops the boot with onEviction: 'refuse', at once", async () => {
    const { started, warnings } = stores.begin({ ...storeOptions(server), onEviction: 'refuse', startTimeout: '60s' });
    await expect(started).rejects.toMatchObject({ code: 'INVALID_OPTIONS', details: { option: 'onEviction' } });
    expect(warnings).toEqual([]);
  });

  it('has nothing against noeviction', async () => {
    const strict = await startRedisServer({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction'] });
    const { warnings } = await stores.start({ ...storeOptions(strict), onEviction: 'refuse' });
    expect(warnings).toEqual([]);
    await strict.stop();
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CacheTxnModule,
  type CacheTxnStore,
  memoryStore,
  redisStore,
  RemoteParticipants,
  TransactionCoordinator,
  TransactionParticipant,
} from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { clusterStoreOptions, observer, storeOptions } from '../../support/servers/redis-access.js';
import { type RedisCluster, startRedisCluster } from '../../support/servers/redis-cluster.js';
import { type RedisServer, startRedisServer } from '../../support/servers/redis-server.js';
import { PriceList } from './workers/price-list.js';

function application(store: CacheTxnStore, providers: readonly (new (...args: never[]) => unknown)[] = [PriceList]) {
  @Module({
    imports: [CacheTxnModule.forRoot({ store, namespace: 'shop' })],
    providers: [...providers],
  })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

describe('participants on several nodes', () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    [server, cluster] = await Promise.all([startRedisServer(), startRedisCluster()]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([server.stop(), cluster.stop()]);
  });

  it.each([
    ['a server', () => redisStore(storeOptions(server))],
    ['a cluster', () => redisStore(clusterStoreOptions(cluster))],
  ])('act together over %s, from whichever node', async (_where, store) => {
    const apps = await Promise.all([application(store()), application(store())]);
    const lists = apps.map((app) => app.get(PriceList));
    for (let list = 1; list <= 10; list += 1) {
      await lists[list % 2]!.switchTo(list);
      expect(await Promise.all(lists.map((each) => each.current()))).toEqual([list, list]);
    }
    await Promise.all(apps.map((app) => app.close()));
  });

  it('leave nothing behind when all have acted, but who is a member, for as long as it is one', async () => {
    const client = observer(server);
    const kept = async (): Promise<string[]> => (await client.keys('shop:p:*')).filter((key) => !key.includes(':d:'));
    const app: INestApplicationContext = await application(redisStore(storeOptions(server)));
    await app.get(PriceList).current();
    await app.get(PriceList).switchTo(1);
    await eventually(async () => expect(await kept()).toEqual(['shop:p:{pricing}:m']), { what: 'the record to go' });
    const outcomes = await client.keys('shop:p:*:d:*');
    expect(Math.min(...(await Promise.all(outcomes.map((key) => client.pttl(key)))))).toBeGreaterThan(0);
    await app.close();
    expect(await kept()).toEqual([]);
    client.disconnect();
  });

  it.each([
    ['a request-scoped one', Injectable({ scope: Scope.REQUEST }), PriceList, /singleton/],
    ['one without prepare, commit and abort', Injectable(), Object, /has to have prepare, commit and abort/],
  ])('refuse %s when the application starts', async (_what, decorate, base, message) => {
    class Wrong extends (base as new (...args: never[]) => object) {}
    decorate(Wrong);
    (TransactionParticipant('pricing') as unknown as (target: unknown) => void)(Wrong);
    await expect(application(memoryStore(), [Wrong])).rejects.toThrow(message);
  });

  it('refuse a second class of one name', async () => {
    class Other extends PriceList {}
    TransactionParticipant('pricing')(Other);
    await expect(application(memoryStore(), [PriceList, Other])).rejects.toThrow(/takes part under a name once/);
  });

  it('need a provider on this node to be asked whether it is current, and a transaction to be enlisted in', async () => {
    const app = await application(memoryStore(), []);
    const participants = app.get(RemoteParticipants);
    expect(() => participants.isCurrent('pricing')).toThrow(/no provider of this application/);
    expect(() => {
      participants.enlist('pricing');
    }).toThrow(/there is no transaction here/);
    await app.get(TransactionCoordinator).run(() => {
      participants.enlist('pricing');
    });
    await app.close();
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CacheTxnModule, getCacheTxnToken, LockService, redisStore, TransactionalCache } from 'nestjs-cache-txn';
import { expectOnlyCommitted, inTestWorld, storeOf, TestWorld, untilWaiting } from 'nestjs-cache-txn/testing';
import { SeatsController, send } from './seats-app.js';

/** A port of this machine on which nothing ever listens (RFC 863). */
const NOWHERE = 'redis://127.0.0.1:9';

@Module({
  imports: [
    CacheTxnModule.forRoot({ store: redisStore({ url: NOWHERE }), namespace: 'shop', lock: { wait: '3s' } }),
    CacheTxnModule.forRootAsync({ name: 'audit', useFactory: () => ({ store: redisStore({ url: NOWHERE }) }) }),
  ],
  controllers: [SeatsController],
})
class AppModule {}

const apps: INestApplication[] = [];

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(world: TestWorld): Promise<INestApplication> {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  const module = await inTestWorld(world, builder, 'audit').compile();
  const app = module.createNestApplication({ forceCloseConnections: true, logger: false });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

describe('inTestWorld', () => {
  it("puts an application's own module into the world, and keeps its options", async () => {
    const world = new TestWorld();
    const app = await start(world);
    const lock = await app.get(LockService).acquire('seat:12', { lease: '1m' });
    const buying = send(app, 'POST', '/seats/12/buy');
    await untilWaiting(storeOf(app), 'seat:12');
    await world.clock.advanceAsync(3_000);
    expect(await buying).toMatchObject({ status: 423 });
    await lock.release();
    await app.get(TransactionalCache).set('a', 1);
    expect(storeOf(app).committedWrites).toMatchObject([{ namespace: 'shop', key: 'a' }]);
  });

  it('puts modules with a name there too, each with data of its own', async () => {
    const app = await start(new TestWorld());
    const audit = app.get<TransactionalCache>(getCacheTxnToken(TransactionalCache, 'audit'));
    await audit.set('a', 1);
    expectOnlyCommitted(storeOf(app, 'audit'), { a: 1 });
    expectOnlyCommitted(storeOf(app), {});
  });

  it('plays two nodes of the application', async () => {
    const world = new TestWorld();
    const [first, second] = [await start(world), await start(world)];
    await first.get(TransactionalCache).set('a', 'of the first');
    expect(await second.get(TransactionalCache).get('a')).toBe('of the first');
  });

  it('is missed by storeOf in an application that has not been put there', async () => {
    const module = await Test.createTestingModule({ imports: [CacheTxnModule.forRoot()] }).compile();
    expect(() => storeOf(module)).toThrow('import CacheTxnTestingModule, or give the builder to inTestWorld()');
    await module.close();
  });
});

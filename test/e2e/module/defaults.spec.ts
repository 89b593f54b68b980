import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Post } from '@nestjs/common';
import {
  CacheTxn,
  type CacheTxnModuleOptions,
  CurrentLock,
  type Lock,
  Locked,
  TransactionalCache,
  Versioned,
} from 'nestjs-cache-txn';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';

let scene: TxnScene;
beforeAll(async () => {
  scene = await TxnScene.start();
});
afterEach(() => scene.closeApps());
afterAll(() => scene.stop());

@Controller('work')
class Work {
  runs = 0;

  constructor(@Inject(TransactionalCache) private readonly cache: TransactionalCache) {}

  @Post('slow')
  @CacheTxn()
  slow() {
    return sleep(400, 'slow but done');
  }

  @Post('patient')
  @CacheTxn({ timeout: '5s' })
  patient() {
    return sleep(400, 'slow but done');
  }

  @Post('skew')
  @CacheTxn()
  async skew() {
    await this.cache.get('read');
    await this.elsewhere();
    await this.cache.set('written', 1);
  }

  @Post('strict')
  @CacheTxn({ isolation: 'serializable' })
  strict() {
    return this.skew();
  }

  @Post('retried')
  @CacheTxn({ isolation: 'serializable' })
  @Versioned()
  async retried() {
    this.runs += 1;
    await this.skew();
  }

  @Post('retried-more')
  @CacheTxn({ isolation: 'serializable' })
  @Versioned({ attempts: 4 })
  retriedMore() {
    return this.retried();
  }

  @Post('locked')
  @Locked('door')
  async locked(@CurrentLock() lock: Lock) {
    return { lease: await this.leaseOf(lock) };
  }

  @Post('locked-long')
  @Locked('door', { lease: '1m', wait: '1s' })
  lockedLong(@CurrentLock() lock: Lock) {
    return this.locked(lock);
  }

  /** Another process changes what this one has read. */
  elsewhere = async (): Promise<void> => undefined;
  leaseOf = async (_lock: Lock): Promise<number> => 0;
}

const start = async (module: CacheTxnModuleOptions): Promise<TxnApp & { work: Work }> => {
  const namespace = `options-${Math.random().toString(36).slice(2)}`;
  const app = await scene.app({ controllers: [Work], module: { namespace, ...module } });
  const theirs = await scene.app({ module: { namespace } });
  const work = app.app.get(Work);
  work.elsewhere = () => theirs.cache.set('read', Math.random());
  work.leaseOf = async () => (await theirs.locks.inspect('door'))?.expiresInMs ?? 0;
  return { ...app, work };
};

const serverTimeUs = async (): Promise<number> => {
  const [seconds, microseconds] = await scene.redis.time();
  return Number(seconds) * 1_000_000 + Number(microseconds);
};

describe('the defaults of the module', () => {
  it('txn.timeout holds for every transaction whose decorator says nothing else', async () => {
    const { send } = await start({ txn: { timeout: '150ms' } });
    expect(await send('POST', '/work/slow')).toMatchObject({ status: 503, body: { code: 'TXN_TIMEOUT' } });
    expect(await send('POST', '/work/patient')).toMatchObject({ status: 201, text: 'slow but done' });
  });

  it('txn.isolation holds for every transaction whose decorator says nothing else', async () => {
    const relaxed = await start({ txn: { isolation: 'read-committed' } });
    expect((await relaxed.send('POST', '/work/skew')).status).toBe(201);
    expect((await relaxed.send('POST', '/work/strict')).status).toBe(409);
    const strict = await start({});
    expect((await strict.send('POST', '/work/skew')).status).toBe(409);
  });

  it('txn.maxKeys and txn.maxBytes bound every transaction, and cannot be raised', async () => {
    const { cache } = await start({ txn: { maxKeys: 2, maxBytes: 20 } });
    await expect(cache.setMany({ a: 1, b: 1, c: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(cache.set('a', 'x'.repeat(20))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(start({ txn: { maxKeys: 129 } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('version.attempts holds for every retry whose decorator says nothing else', async () => {
    const { send, work } = await start({ version: { attempts: 2, backoff: { initial: 0 } } });
    expect((await send('POST', '/work/retried')).status).toBe(409);
    expect(work.runs).toBe(2);
    expect((await send('POST', '/work/retried-more')).status).toBe(409);
    expect(work.runs).toBe(6);
  });

  it('version.budget and version.backoff bound the time of a retry', async () => {
    const { send, work } = await start({
      version: { attempts: 100, budget: 300, backoff: { initial: 100, max: 100 } },
    });
    expect((await send('POST', '/work/retried')).status).toBe(409);
    expect(work.runs).toBeLessThan(60);
  });

  it('version.strategy decides how versions are made', async () => {
    const counting = await start({ version: { strategy: 'counter' } });
    const [first, second] = [await counting.versions.bump('a'), await counting.versions.bump('a')];
    expect(second - first).toBe(1);
    const stamping = await start({});
    const before = await stamping.versions.bump('a');
    await eventually(async () => (await serverTimeUs()) - before > 4_000, { what: 'the clock of the server to go on' });
    expect((await stamping.versions.bump('a')) - before).toBeGreaterThan(4_000);
  });

  it('cache.ttl holds for every write that says nothing else', async () => {
    const { cache, namespace } = await start({ cache: { ttl: '1h' } });
    await cache.set('module', 1);
    await cache.set('own', 1, { ttl: '1m' });
    await cache.set('ever', 1, { ttl: 0 });
    const ttls = await Promise.all(['module', 'own', 'ever'].map((key) => scene.redis.ttl(`${namespace}:e:${key}`)));
    expect(ttls.map((ttl) => (ttl > 0 ? Math.ceil(ttl / 60) : ttl))).toEqual([60, 1, -1]);
  });

  it('lock options hold for every lock whose decorator says nothing else', async () => {
    const { send, locks } = await start({ lock: { lease: '30s', wait: 0 } });
    expect((await send('POST', '/work/locked')).body.lease / 1_000).toBeCloseTo(30, 0);
    expect((await send('POST', '/work/locked-long')).body.lease / 1_000).toBeCloseTo(60, 0);
    await locks.acquire('door');
    const waited = async (path: string): Promise<number> => {
      const started = performance.now();
      expect((await send('POST', path)).status).toBe(423);
      return performance.now() - started;
    };
    const [atOnce, aSecond] = [await waited('/work/locked'), await waited('/work/locked-long')];
    expect(aSecond).toBeGreaterThan(950);
    expect(atOnce).toBeLessThan(aSecond);
  });
});

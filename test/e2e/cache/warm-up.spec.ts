import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { type CacheWarmer, CacheWarmUp, redisStore, WarmsCache } from 'nestjs-cache-txn';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/servers/free-port.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startRedisServer } from '../../support/servers/redis-server.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import { milestone, type Milestone } from '../../support/txn-world.js';

const KEYS = Array.from({ length: 30 }, (_, i) => `event:${i}`);
const LOCK = 'nestjs-cache-txn/warm-up/events';

let loads: (readonly string[])[];
let signals: AbortSignal[];
/** Loads from the third on wait for it. */
let rest: Milestone;

@WarmsCache('events', { batch: 10, required: true })
@Injectable()
class EventsWarmer implements CacheWarmer {
  keys(): readonly string[] {
    return KEYS;
  }

  async load(keys: readonly string[], signal: AbortSignal): Promise<Record<string, string>> {
    loads.push(keys);
    signals.push(signal);
    if (loads.length >= 3) await rest.reached;
    return Object.fromEntries(keys.map((key) => [key, `value of ${key}`]));
  }
}

@Controller('health')
class Health {
  constructor(@Inject(CacheWarmUp) private readonly warmUp: CacheWarmUp) {}

  @Get()
  check() {
    if (!this.warmUp.isReady) throw new ServiceUnavailableException(this.warmUp.status());
    return this.warmUp.status();
  }
}

const metadata = { providers: [EventsWarmer], controllers: [Health] };
const states = (apps: readonly TxnApp[]) => apps.map(({ app }) => app.get(CacheWarmUp).status()[0]?.state);

describe('applications on one Redis, with a warm-up that is required', () => {
  let scene: TxnScene;
  beforeAll(async () => {
    scene = await TxnScene.start();
  });
  beforeEach(() => {
    [loads, signals, rest] = [[], [], milestone()];
  });
  afterEach(() => scene.closeApps());
  afterAll(() => scene.stop());

  const start = (namespace: string) => scene.app({ ...metadata, module: { namespace } });

  it('load each key once, all together, and are not ready before', async () => {
    const apps = [await start('together'), await start('together')];
    await eventually(() => expect(states(apps).sort()).toEqual(['elsewhere', 'running']));
    await eventually(() => loads.length === 3);
    const answers = await Promise.all(apps.map((app) => app.send('GET', '/health')));
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    rest.reach();
    await eventually(() => expect(states(apps)).toEqual(['done', 'done']));
    expect((await apps[1]!.send('GET', '/health')).body).toMatchObject([{ name: 'events', warmed: 30 }]);
    const late = await start('together');
    await late.app.get(CacheWarmUp).ready;
    expect(loads).toEqual([KEYS.slice(0, 10), KEYS.slice(10, 20), KEYS.slice(20)]);
    expect((await late.cache.getMany(KEYS)).size).toBe(30);
    expect(apps.map(({ log }) => log)).toEqual([[], []]);
  });

  it('finish what one of them has begun that closes in the middle, and load what is missing', async () => {
    const first = await start('closing');
    await eventually(() => loads.length === 3);
    const second = await start('closing');
    await eventually(() => expect(states([first, second])).toEqual(['running', 'elsewhere']));
    await first.app.close();
    expect(signals[2]?.aborted).toBe(true);
    rest.reach();
    await second.app.get(CacheWarmUp).ready;
    expect(loads.slice(3)).toEqual([KEYS.slice(20)]);
    expect([...(await second.cache.getMany(KEYS)).keys()]).toEqual(KEYS);
  });

  it('close at once in the middle of a load, and leave neither lock nor lease', async () => {
    const first = await start('prompt');
    const observer = await scene.app({ module: { namespace: 'prompt' } });
    await eventually(() => loads.length === 3);
    expect(await observer.locks.inspect(LOCK)).not.toBeNull();
    await first.app.close();
    expect(await observer.locks.inspect(LOCK)).toBeNull();
    expect(await observer.cache.getOrLoad(KEYS[25]!, () => 'mine', { wait: '1s' })).toBe('mine');
    await eventually(async () => expect(await observer.cache.get(KEYS[25]!)).toBe('mine'));
    expect(first.log).toEqual([]);
  });

  it('warm when Redis is there that was away at the start, and say once that it was', async () => {
    rest.reach();
    const port = await freePort();
    const options = {
      startTimeout: 50,
      commandTimeout: 300,
      retryStrategy: () => 20,
      onUnavailable: 'degraded',
    } as const;
    const store = redisStore({ ...storeOptions({ port }), ...options });
    const app = await scene.app({ ...metadata, module: { store } });
    await eventually(() => expect(app.log.filter((line) => line.includes('warm-up'))).toHaveLength(1));
    expect([states([app]), app.app.get(CacheWarmUp).isReady]).toEqual([['waiting'], false]);
    const server = await startRedisServer({ port });
    try {
      await eventually(() => app.app.get(CacheWarmUp).isReady, { what: 'the warm-up', withinMs: 20_000 });
      expect(loads.flat()).toEqual(KEYS);
      expect(app.log.filter((line) => line.includes('warm-up'))).toHaveLength(1);
    } finally {
      await scene.closeApps();
      await server.stop();
    }
  });
});

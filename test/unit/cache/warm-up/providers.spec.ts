import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type ModuleMetadata, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import {
  CacheTxnModule,
  type CacheTxnModuleOptions,
  type CacheWarmer,
  CacheWarmUp,
  getCacheTxnToken,
  InjectCacheWarmUp,
  TransactionalCache,
  WarmsCache,
} from 'nestjs-cache-txn';

const apps: INestApplicationContext[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function boot(metadata: ModuleMetadata, options: CacheTxnModuleOptions = {}): Promise<INestApplicationContext> {
  const imports = [CacheTxnModule.forRoot(options), CacheTxnModule.forRoot({ name: 'other' })];
  @Module({ ...metadata, imports })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  apps.push(app);
  return app;
}

class OneKey implements CacheWarmer {
  keys = (): readonly string[] => ['a'];
  load = () => ({ a: this.constructor.name });
}

@WarmsCache('events', { required: true })
@Injectable()
class EventsWarmer extends OneKey {}

@WarmsCache(undefined, { required: true, batch: 2 })
@Injectable()
class PriceWarmer extends OneKey {
  override keys = () => ['a', 'b', 'c'];
  asked: (readonly string[])[] = [];
  override load = (keys: readonly string[] = []) => {
    this.asked.push(keys);
    return { a: '' };
  };
}

@WarmsCache('rows', { sourceVersion: (row: { v: number }) => row.v })
@Injectable()
class RowsWarmer implements CacheWarmer {
  v = 1;
  keys = (): readonly string[] => ['a'];
  load = () => ({ a: { v: this.v } });
}

@WarmsCache('events', { store: 'other' })
@Injectable()
class OtherWarmer extends OneKey {}

@Injectable()
class Health {
  constructor(
    @InjectCacheWarmUp() readonly warmUp: CacheWarmUp,
    @InjectCacheWarmUp('other') readonly other: CacheWarmUp,
  ) {}
}

describe('@WarmsCache', () => {
  it('makes a provider warm the store of its module at the start, by the name of its class or another', async () => {
    const app = await boot({ providers: [EventsWarmer, PriceWarmer, OtherWarmer, Health] });
    const { warmUp, other } = app.get(Health);
    await warmUp.ready;
    await other.run();
    expect(warmUp.status().map(({ name, state }) => [name, state])).toEqual([
      ['events', 'done'],
      ['PriceWarmer', 'done'],
    ]);
    expect(other.status()).toMatchObject([{ name: 'events', state: 'done', isRequired: false }]);
    expect(await app.get(TransactionalCache).get('a')).toMatch(/EventsWarmer|^$/);
    expect(await app.get<TransactionalCache>(getCacheTxnToken(TransactionalCache, 'other')).get('a')).toBe(
      'OtherWarmer',
    );
  });

  it('has its options before those of the module', async () => {
    const app = await boot({ providers: [EventsWarmer, PriceWarmer] }, { cache: { warmUp: { batch: 1, ttl: '1h' } } });
    await app.get(CacheWarmUp).ready;
    const missing = app.get(PriceWarmer).asked.flat();
    expect(missing).toEqual(expect.arrayContaining(['b', 'c']));
    expect(app.get(PriceWarmer).asked.length).toBeLessThanOrEqual(2);
  });

  it('is ready at once, with nothing to tell, where nobody has it', async () => {
    const app = await boot({});
    const warmUp = app.get(CacheWarmUp);
    await warmUp.ready;
    expect([warmUp.isReady, warmUp.status(), await warmUp.run()]).toEqual([true, [], []]);
    expect(JSON.stringify({ warmUp })).toBe('{"warmUp":{"isReady":true,"status":[]}}');
  });

  it("tells its progress to Nest's log, and nothing where nobody has it", async () => {
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const logger = { log, warn: log, error: log };
    for (const providers of [[EventsWarmer], []]) {
      @Module({ imports: [CacheTxnModule.forRoot()], providers })
      class AppModule {}
      const app = await NestFactory.createApplicationContext(AppModule, { logger });
      apps.push(app);
      await app.get(CacheWarmUp).ready;
    }
    expect(lines.filter((line) => line.includes('warm-up'))).toEqual([
      'warm-up events: starts, 1 keys',
      expect.stringMatching(/^warm-up events: done, 1 keys in \d+ ms, 1 loaded$/),
    ]);
  });

  it('does not hold up the start', async () => {
    @WarmsCache('slow', { required: true })
    class Slow implements CacheWarmer {
      keys = () => new Promise<string[]>(() => undefined);
      load = () => ({});
    }
    const app = await boot({ providers: [Slow] });
    expect(app.get(CacheWarmUp).isReady).toBe(false);
  });

  class Unready {
    keys = 1;
  }
  class Bare extends OneKey {}
  const decorated = (name: string | undefined, options: object, target: object = class Warmer extends OneKey {}) => {
    WarmsCache(name, options)(target as typeof Bare);
    return target as typeof Bare;
  };

  it.each<[string, () => (new () => object)[], RegExp]>([
    [
      'a class without keys and load',
      () => [decorated('x', {}, Unready)],
      /Unready has to have the methods keys and load/,
    ],
    [
      'a request-scoped provider',
      () => [decorated('x', {}, Injectable({ scope: Scope.REQUEST })(Bare) ?? Bare)],
      /Bare is request-scoped/,
    ],
    [
      'two of one name',
      () => [decorated('events', {}, class Twin extends OneKey {}), EventsWarmer],
      /EventsWarmer has the name 'events' of Twin/,
    ],
    ['a name that is none', () => [decorated('a b', {})], /@WarmsCache of Warmer: the name .* not "a b"/],
    [
      'an option that does not exist',
      () => [decorated('x', { batches: 1 })],
      /@WarmsCache of Warmer has no option 'batches'/,
    ],
    ['an empty batch', () => [decorated('x', { batch: 0 })], /@WarmsCache of Warmer.batch: 0/],
    ['too large a batch', () => [decorated('x', { batch: 1_001 })], /batch: 1001/],
    ['no concurrency', () => [decorated('x', { concurrency: 0 })], /concurrency: 0/],
    ['too much of it', () => [decorated('x', { concurrency: 33 })], /concurrency: 33/],
    ['too often', () => [decorated('x', { every: 999 })], /every: 999 ms/],
    ['forgotten at once', () => [decorated('x', { freshFor: 0 })], /freshFor: 0 ms/],
    ['half required', () => [decorated('x', { required: 1 })], /required: 1 must be true or false/],
    ['a ttl that is none', () => [decorated('x', { ttl: 'soon' })], /ttl: 'soon'/],
    ['no time', () => [decorated('x', { timeout: 0 })], /timeout: 0 ms/],
    ['too long a wait', () => [decorated('x', { wait: '2h' })], /wait: 7200000 ms/],
  ])('refuses %s, and names the class', async (_what, providers, message) => {
    await expect((async () => boot({ providers: providers() }))()).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(message),
    });
  });

  it.each<[object, RegExp]>([
    [{ batch: 0 }, /cache.warmUp.batch: 0/],
    [{ store: 'a' }, /cache.warmUp has no option 'store'/],
  ])('refuses %j of the module, also without a warmer', async (warmUp, message) => {
    await expect(boot({}, { cache: { warmUp } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(message),
    });
  });
});

it('G58: a warm-up with sourceVersion warms nothing that is older than a floor', async () => {
  const app = await boot({ providers: [RowsWarmer] });
  const [cache, warmUp] = [app.get(TransactionalCache), app.get(CacheWarmUp)];
  await warmUp.ready;
  await cache.evict({ keys: ['a'], floor: 2 });
  await warmUp.run('rows');
  expect(await cache.get('a')).toBeUndefined();
  app.get(RowsWarmer).v = 2;
  await warmUp.run('rows');
  expect(await cache.get('a')).toEqual({ v: 2 });
});

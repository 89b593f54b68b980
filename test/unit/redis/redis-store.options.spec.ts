import { describe, expect, it } from '@jest/globals';

import { InvalidOptionsError } from '../../../src/base/errors.js';
import { redisStore } from '../../../src/redis/redis-store.js';
import {
  resolveSettings,
  type RedisStoreOptions,
  type RedisStoreSettings,
} from '../../../src/redis/redis-store.options.js';

describe('the settings of a Redis store', () => {
  it('have defaults that wait two seconds for a command and ten for a start, and warn of eviction', () => {
    expect(resolveSettings({})).toEqual({
      commandTimeoutMs: 2_000,
      startTimeoutMs: 10_000,
      onUnavailable: 'fail',
      onEviction: 'warn',
      replicas: 'none',
      replicaTimeoutMs: 1_000,
      isTracking: false,
    });
  });

  it('take durations as text or milliseconds', () => {
    const settings = {
      commandTimeout: '250ms',
      startTimeout: 60_000,
      onUnavailable: 'degraded',
      onEviction: 'refuse',
      replicas: 'all',
      replicaTimeout: '5s',
      tracking: true,
    } as const;
    expect(resolveSettings(settings)).toEqual({
      commandTimeoutMs: 250,
      startTimeoutMs: 60_000,
      onUnavailable: 'degraded',
      onEviction: 'refuse',
      replicas: 'all',
      replicaTimeoutMs: 5_000,
      isTracking: true,
    });
  });

  it.each([
    [{ commandTimeout: '9ms' }, 'redisStore.commandTimeout'],
    [{ commandTimeout: '61s' }, 'redisStore.commandTimeout'],
    [{ commandTimeout: 'soon' }, 'redisStore.commandTimeout'],
    [{ commandTimeout: Number.NaN }, 'redisStore.commandTimeout'],
    [{ startTimeout: 0 }, 'redisStore.startTimeout'],
    [{ startTimeout: Number.POSITIVE_INFINITY }, 'redisStore.startTimeout'],
    [{ onUnavailable: 'ignore' }, 'redisStore.onUnavailable'],
    [{ onEviction: true }, 'redisStore.onEviction'],
    [{ replicas: 1 }, 'redisStore.replicas'],
    [{ replicaTimeout: 0 }, 'redisStore.replicaTimeout'],
    [{ replicaTimeout: '6s' }, 'redisStore.replicaTimeout'],
    [{ tracking: 'on' }, 'redisStore.tracking'],
  ])('refuse %j and name %s', (settings, option) => {
    expect(() => resolveSettings(settings as RedisStoreSettings)).toThrow(InvalidOptionsError);
    expect(() => resolveSettings(settings as RedisStoreSettings)).toThrow(option);
  });

  it('are checked when the store is made, before anything connects', () => {
    expect(() => redisStore({ commandTimeout: 1 })).toThrow(InvalidOptionsError);
  });
});

describe('tracking', () => {
  it('of a cluster is refused, clearly', () => {
    expect(() => redisStore({ cluster: { nodes: [] }, tracking: true })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS', details: { option: 'tracking' } }),
    );
  });
});

describe('a Redis store that leads nowhere', () => {
  const make = (options: unknown) => () => redisStore(options as RedisStoreOptions);

  it.each([['redis://127.0.0.1:1'], [undefined], [null], [6_379]])('is refused when it is made of %j', (options) => {
    expect(make(options)).toThrow(InvalidOptionsError);
    expect(make(options)).toThrow("redisStore takes an object, such as { url: 'redis://localhost:6379' }");
  });

  it.each([[{ url: undefined }], [{ url: '' }], [{ url: undefined, host: undefined, commandTimeout: '1s' }]])(
    'is refused with %p: the variable may not be set, and localhost is not meant',
    (options) => {
      expect(make(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS', details: { option: 'url' } }));
      expect(make(options)).toThrow('is the environment variable set?');
    },
  );

  it.each([[{}], [{ db: 1 }], [{ url: undefined, host: '127.0.0.1' }], [{ url: undefined, path: '/run/redis.sock' }]])(
    'is not meant by %p',
    (options) => {
      expect(make(options)).not.toThrow();
    },
  );
});

describe('keyPrefix', () => {
  const prefixed = { keyPrefix: 'shop:' };

  it.each([
    ['the options', prefixed],
    ['the URL', { url: 'redis://127.0.0.1:1/?keyPrefix=shop:' }],
    ['the cluster’s options', { cluster: { nodes: [], options: prefixed } }],
    ['the options of the cluster’s nodes', { cluster: { nodes: [], options: { redisOptions: prefixed } } }],
    ['the sentinel’s options', { sentinel: { sentinels: [], name: 'main', ...prefixed } }],
  ])('in %s is refused, because it does not reach channels', (_where, options) => {
    expect(() => redisStore(options as RedisStoreOptions)).toThrow(/keyPrefix/);
    expect(() => redisStore(options as RedisStoreOptions)).toThrow(InvalidOptionsError);
  });

  it('that is empty is none', () => {
    expect(() => redisStore({ keyPrefix: '' } as RedisStoreOptions)).not.toThrow();
  });
});

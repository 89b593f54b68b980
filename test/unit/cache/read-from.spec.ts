import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ReadOptions } from '../../../src/cache/cache.options.js';
import { CacheEvict } from '../../../src/cache/decorators/cache-evict.decorator.js';
import { CachePut } from '../../../src/cache/decorators/cache-put.decorator.js';
import { CacheEvictLayer, CachePutLayer } from '../../../src/cache/decorators/cache-write.layer.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { ResourceCall, withResource } from '../../../src/version/resource-call.js';
import { addLateReplica, type LateReplica } from '../../support/stores/late-replica.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { makeCall } from '../pipeline/make-call.js';

class Books {
  @CachePut('made of a')
  put(): void {}
  @CacheEvict('made of a')
  evict(): void {}
}

const describing = (name: keyof Books) => describeMethod(Books, name, Books.prototype[name], 'provider');

const REPLICA = { readFrom: 'replica' } as const;

let world: TxnWorld;
let app: TxnProcess;
let replica: LateReplica;

/** `a` is `new`, and its replica still has it as `old`. */
async function start(module: ReadOptions = {}): Promise<void> {
  world = new TxnWorld();
  app = await world.process({ cache: module });
  replica = addLateReplica(app.store.inner);
  await app.cache.set('a', 'old');
  await replica.copy('a');
  await app.cache.set('a', 'new');
}

beforeEach(() => start());

describe('readFrom', () => {
  it('is the primary, unless the call or the module says replica', async () => {
    const each = async (options?: ReadOptions): Promise<unknown[]> => [
      await app.cache.get('a', options),
      (await app.cache.getMany(['a'], options)).get('a'),
      (await app.cache.getEntry('a', options))?.value,
    ];
    expect(await each()).toEqual(['new', 'new', 'new']);
    expect(await each(REPLICA)).toEqual(['old', 'old', 'old']);
    await start(REPLICA);
    expect(await each()).toEqual(['old', 'old', 'old']);
    expect(await each({})).toEqual(['old', 'old', 'old']);
    expect(await each({ readFrom: 'primary' })).toEqual(['new', 'new', 'new']);
  });

  it('of has looks there, too', async () => {
    await app.cache.set('b', 1);
    expect([await app.cache.has('b'), await app.cache.has('b', REPLICA)]).toEqual([true, false]);
  });

  it('is the same in a namespace', async () => {
    const books = app.cache.namespace('books');
    await books.set('1', 'old');
    await replica.copy(books.keyOf('1'));
    await books.set('1', 'new');
    expect(await books.get('1', REPLICA)).toBe('old');
    expect(await books.getMany(['1'], REPLICA)).toEqual(new Map([['1', 'old']]));
    await books.set('2', 'new');
    expect(await books.has('2', REPLICA)).toBe(false);
  });

  it.each<[string, unknown]>([
    ['cache.readFrom: "slave" is none of primary, replica', { readFrom: 'slave' }],
    ["a read has no option 'from'", { from: 'replica' }],
    ['a read takes an object of options, not number', 0],
  ])('is refused with "%s"', async (message, options) => {
    const refused = { code: 'INVALID_OPTIONS', message: expect.stringContaining(message) };
    for (const read of ['get', 'getEntry', 'has'] as const)
      await expect(app.cache[read]('a', options as ReadOptions)).rejects.toMatchObject(refused);
    await expect(app.cache.getMany(['a'], options as ReadOptions)).rejects.toMatchObject(refused);
    expect(replica.asked).toEqual([]);
  });

  it('of the module is refused when it is none', async () => {
    const wrong = { cache: { readFrom: 'slave' } } as object;
    await expect(world.process(wrong)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe('S22: whatever readFrom says, the primary is read', () => {
  beforeEach(() => start(REPLICA));

  const reading = (): Promise<unknown> => app.cache.get('a', REPLICA);

  it.each<[string, () => Promise<unknown>]>([
    ['in a transaction', () => app.coordinator.run(reading)],
    ['in a transaction that only reads', () => app.coordinator.run({ readOnly: true }, reading)],
    [
      'in a transaction of another store',
      async () => (await world.process({ storeName: 'other' })).coordinator.run(reading),
    ],
    ['under a lock', () => app.locks.withLock('seat', reading)],
    [
      'under a lock of another store',
      async () => (await world.process({ storeName: 'other' })).locks.withLock('seat', reading),
    ],
    ['by a load', () => app.cache.getOrLoad('a', () => 'loaded')],
    ['by a loader, whose value is kept', () => app.cache.getOrLoad('made of a', reading)],
    [
      'by a loader of another store',
      async () => (await world.process({ storeName: 'other' })).cache.getOrLoad('made of a', reading),
    ],
    [
      'by a method with @CachePut',
      async () => {
        const put = new CachePutLayer(app.cache).prepare(describing('put'));
        return (await put(makeCall(), async () => [await reading()])).at(-1);
      },
    ],
    [
      'by a method with @CacheEvict',
      async () => {
        const evict = new CacheEvictLayer(app.cache).prepare(describing('evict'));
        return (await evict(makeCall(), async () => [await reading()])).at(-1);
      },
    ],
    ['by an update', () => app.cache.update('a', (value) => value)],
    [
      'for the resource of the call, whose ETag has to fit',
      () => withResource(new ResourceCall('a', app.store, false, undefined), reading),
    ],
  ])('%s', async (_where, read) => {
    replica.asked.length = 0;
    expect(await read()).toBe('new');
    expect(replica.asked).not.toContain('replica');
  });

  it('by the version service', async () => {
    const { version } = (await app.cache.getEntry('a', { readFrom: 'primary' })) ?? {};
    expect(await app.versions.current('a')).toBe(version);
  });

  it('and only there: before, after, outside of a transaction that is suspended, and beside the resource', async () => {
    expect(await reading()).toBe('old');
    await app.locks.withLock('seat', reading);
    await app.coordinator.run(async () => {
      expect(await app.coordinator.run({ propagation: 'not_supported' }, reading)).toBe('old');
    });
    await app.cache.getOrLoad('b', () => 1);
    expect(await withResource(new ResourceCall('b', app.store, false, undefined), reading)).toBe('old');
    expect(await reading()).toBe('old');
  });
});

describe('a value from a replica', () => {
  it('G55: with a tag that has been invalidated is a miss, whatever the replica knows of the tag', async () => {
    await app.cache.set('page', 'old', { tags: ['books'] });
    await replica.copy('page', '%tag:books');
    replica.asked.length = 0;
    expect(await app.cache.get('page', REPLICA)).toBe('old');
    expect(replica.asked).toEqual(['replica', 'primary']);
    await app.cache.invalidateTags('books');
    expect(await app.cache.get('page', REPLICA)).toBeUndefined();
  });
});

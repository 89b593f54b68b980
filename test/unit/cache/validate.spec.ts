import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ResourceCall, withResource } from '../../../src/version/resource-call.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

interface Book {
  readonly title: string;
}

const POISON = { title: 4111 };
const EMMA: Book = { title: 'Emma' };
const isBook = (value: unknown): value is Book => typeof (value as Book | null)?.title === 'string';
const options = { validate: isBook };

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
  await other.cache.setMany({ bad: POISON, good: EMMA });
});

const unreadable = (): number => app.cache.statistics().unreadable;
const told = (): string[] => app.reported.map(({ error }) => String(error));
const nobodyLoads = (): unknown => {
  throw new Error('nobody should load');
};

describe('validate', () => {
  it('of a read makes what it refuses a miss, counted and told once each time, and gives the rest', async () => {
    expect(await app.cache.get('bad', options)).toBeUndefined();
    expect(await app.cache.getEntry('bad', options)).toBeUndefined();
    expect(await app.cache.has('bad', options)).toBe(false);
    expect(Object.fromEntries(await app.cache.getMany(['bad', 'good'], options))).toEqual({ good: EMMA });
    expect([unreadable(), told()]).toEqual([
      4,
      Array(4).fill('Error: a cached value is refused by validate; it counts as a miss'),
    ]);
    expect([await app.cache.get('good', options), await app.cache.get('bad')]).toEqual([EMMA, POISON]);
    expect(unreadable()).toBe(4);
  });

  it.each<[string, () => unknown]>([
    ['false', () => false],
    ['what is only truthy, such as a result', () => ({ success: false })],
    ['a promise', async () => true],
    [
      'an error that quotes the value',
      () => {
        throw new Error('4111 is no title');
      },
    ],
  ])('refuses by giving %s', async (_what, validate) => {
    expect(await app.cache.get('good', { validate: validate as () => boolean })).toBeUndefined();
    expect(told()).toEqual(['Error: a cached value is refused by validate; it counts as a miss']);
  });

  it('of a load has what it refuses replaced, and trusts the loader', async () => {
    const validate = jest.fn(isBook);
    expect(await app.cache.getOrLoad('bad', () => EMMA, { validate })).toEqual(EMMA);
    expect([await other.cache.get('bad'), unreadable()]).toEqual([EMMA, 1]);
    validate.mockClear();
    expect(await app.cache.getOrLoad('new', () => POISON, { validate })).toEqual(POISON);
    expect([validate.mock.calls, await other.cache.get('new'), unreadable()]).toEqual([[], POISON, 1]);
  });

  it('of a load of several keys has only those replaced that it refuses', async () => {
    const asked: (readonly string[])[] = [];
    const load = (keys: readonly string[]): Map<string, Book> => {
      asked.push(keys);
      return new Map(keys.map((key) => [key, { title: key }]));
    };
    const found = await app.cache.getOrLoadMany(['bad', 'good'], load, options);
    expect([Object.fromEntries(found), asked]).toEqual([{ bad: { title: 'bad' }, good: EMMA }, [['bad']]]);
  });

  it('costs no round trip, and nothing where there is none to validate', async () => {
    expect(await app.cache.getOrLoad('good', nobodyLoads, options)).toEqual(EMMA);
    expect(app.store.count('leaseFill')).toBe(1);
    await app.cache.getOrLoad('none', () => undefined, { negativeTtl: '1m', ...options });
    expect(await app.cache.getOrLoad('none', nobodyLoads, options)).toBeUndefined();
    expect(unreadable()).toBe(0);
  });

  it('refuses a stale value as well, also as the last resort', async () => {
    const stale = { ttl: '1m', staleWhileRevalidate: '1h' } as const;
    await other.cache.getOrLoad('stale', () => POISON, stale);
    await other.cache.getOrLoad('resort', () => POISON, { ttl: '1m', staleIfError: '1h' });
    await world.elapse(60_000);
    expect(await app.cache.getOrLoad('stale', () => EMMA, { ...stale, ...options })).toEqual(EMMA);
    const failing = app.cache.getOrLoad('resort', nobodyLoads, { ttl: '1m', staleIfError: '1h', ...options });
    await expect(failing).rejects.toThrow('nobody should load');
  });

  it('gives what the loader gives where others put back what it refuses', async () => {
    let loads = 0;
    const load = async (): Promise<Book> => {
      loads += 1;
      return EMMA;
    };
    const validate = (value: unknown): boolean => {
      // Between the two looks of the call an older version of the application writes again.
      void other.cache.set('bad', POISON);
      return isBook(value);
    };
    expect(await app.cache.getOrLoad('bad', load, { validate })).toEqual(EMMA);
    expect(loads).toBeGreaterThan(0);
  });

  it('is asked in a transaction of what was cached, and not of what the transaction has loaded', async () => {
    await app.coordinator.run(async () => {
      expect(await app.cache.get('bad', options)).toBeUndefined();
      expect(await app.cache.getOrLoad('bad', () => EMMA, options)).toEqual(EMMA);
      expect(await app.cache.getOrLoad('new', () => POISON, options)).toEqual(POISON);
      expect(await app.cache.getOrLoad('new', nobodyLoads, options)).toEqual(POISON);
    });
    expect([unreadable(), await other.cache.get('bad')]).toEqual([2, POISON]);
  });

  it.each(['cloned', 'frozen'] as const)('is asked of copies in this process, %s', async (values) => {
    const near = await world.process({ cache: { near: { values } } });
    for (const _ of [1, 2]) expect(await near.cache.get('bad')).toEqual(POISON);
    expect(await near.cache.get('bad', options)).toBeUndefined();
    expect(near.cache.statistics().unreadable).toBe(1);
    expect((await near.cache.getOrLoadMany(['bad'], () => ({ bad: EMMA }), options)).get('bad')).toEqual(EMMA);
    expect(await near.cache.get('bad')).toEqual(EMMA);
    await other.cache.set('bad', POISON);
    await world.settle();
    await near.cache.get('bad');
    expect(await near.cache.getOrLoad('bad', () => EMMA, options)).toEqual(EMMA);
    expect([await near.cache.getOrLoad('bad', nobodyLoads, options), near.reported.length]).toEqual([EMMA, 3]);
  });

  it('leaves no version to what is shown in the place of what it refuses', async () => {
    for (const [key, isNamed] of [
      ['bad', false],
      ['good', true],
    ] as const) {
      const resource = new ResourceCall(key, app.store, false, undefined);
      await withResource(resource, () => app.cache.get(key, options));
      expect([key, resource.shownVersion !== undefined]).toEqual([key, isNamed]);
    }
  });

  it('is a function', async () => {
    const wrong = { validate: true as unknown as () => boolean };
    for (const refused of [app.cache.get('a', wrong), app.cache.getOrLoad('a', () => 1, wrong)])
      await expect(refused).rejects.toThrow('validate: a function belongs here');
  });
});

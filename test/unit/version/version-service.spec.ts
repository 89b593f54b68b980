import { beforeEach, describe, expect, it } from '@jest/globals';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ cache: { ttl: '1s' } });
  other = await world.process();
});

describe('the version service', () => {
  it('answers 0 for no entry, and the version of a read otherwise', async () => {
    expect(await app.versions.current('a')).toBe(0);
    await other.cache.set('a', 1);
    expect(await app.versions.current('a')).toBe((await other.cache.getEntry('a'))?.version);
  });

  it('compares with what it would answer', async () => {
    expect([await app.versions.compare('a', 0), await app.versions.compare('a', 1)]).toEqual([true, false]);
    const version = await other.versions.bump('a');
    expect([await app.versions.compare('a', version), await app.versions.compare('a', 0)]).toEqual([true, false]);
  });

  it('bumps: a new version, the same value; without an entry one with a version only', async () => {
    await other.cache.set('a', 'kept');
    const before = await app.versions.current('a');
    const bumped = await app.versions.bump('a');
    expect(bumped).toBeGreaterThan(before);
    expect(await other.cache.getEntry('a')).toEqual({ value: 'kept', version: bumped });
    const made = await app.versions.bump('b');
    expect([await other.versions.current('b'), await other.cache.has('b')]).toEqual([made, false]);
    await world.elapse(1_000);
    expect(await other.versions.current('b')).toBe(0);
  });

  it('sets a value if the version is the expected one, and answers the new version', async () => {
    const first = await app.versions.compareAndSet('a', 0, 'one');
    const second = await app.versions.compareAndSet('a', first, 'two');
    expect(second).toBeGreaterThan(first);
    expect(await other.cache.getEntry('a')).toEqual({ value: 'two', version: second });
  });

  it('refuses to set a value over another version, or over an entry when there should be none', async () => {
    const version = await app.versions.compareAndSet('a', 0, 'one');
    for (const expected of [0, version - 1, version + 1]) {
      const conflict = { code: 'VERSION_CONFLICT', retryable: true, details: { keys: ['a'] } };
      await expect(app.versions.compareAndSet('a', expected, 'lost')).rejects.toMatchObject(conflict);
    }
    await expect(app.versions.compareAndSet('b', version, 'lost')).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    expect(await other.cache.getMany(['a', 'b'])).toEqual(new Map([['a', 'one']]));
  });

  it('gives a set value the TTL of the call, or that of the module', async () => {
    await app.versions.compareAndSet('short', 0, 1, { ttl: 500 });
    await app.versions.compareAndSet('module', 0, 1);
    await app.versions.compareAndSet('ever', 0, 1, { ttl: 0 });
    const keys = async (): Promise<string[]> => [...(await other.cache.getMany(['short', 'module', 'ever'])).keys()];
    await world.elapse(500);
    expect(await keys()).toEqual(['module', 'ever']);
    await world.elapse(500);
    expect(await keys()).toEqual(['ever']);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53, '1', undefined, null])(
    'refuses %j as an expected version',
    async (expected) => {
      const running = app.versions.compareAndSet('a', expected as number, 1);
      await expect(running).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
      expect(app.store.count('commit')).toBe(0);
    },
  );

  it('refuses values that no text can hold or that are too large, before anything is sent', async () => {
    await expect(app.versions.compareAndSet('a', 0, undefined)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const large = 'x'.repeat(1_048_576);
    await expect(app.versions.compareAndSet('a', 0, large)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(app.store.count('commit')).toBe(0);
  });

  it('in a transaction reads what that reads, and refuses to make versions', async () => {
    const version = await other.versions.bump('a');
    const running = app.coordinator.run(async () => {
      expect(await app.versions.current('a')).toBe(version);
      await app.cache.set('a', 'mine');
      expect([await app.versions.current('a'), await app.versions.compare('a', version)]).toEqual([version, true]);
      const refused = { code: 'TXN_STATE', details: { key: 'b' } };
      await expect(app.versions.bump('b')).rejects.toMatchObject(refused);
      await expect(app.versions.compareAndSet('b', 0, 1)).rejects.toMatchObject(refused);
      await other.versions.bump('a');
    });
    // The version that it asked for belongs to what it read.
    await expect(running).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: ['a'] } });
  });
});

describe.each(['timestamp', 'counter'] as const)('versions by %s', (strategy) => {
  let clocked: TxnProcess;
  beforeEach(async () => {
    clocked = await world.process({ version: { strategy } });
  });

  it('G28: grow with each write, and count microseconds of the server or ones', async () => {
    const first = await clocked.versions.bump('a');
    await world.elapse(5);
    const second = await clocked.versions.bump('a');
    await clocked.coordinator.run(() => clocked.cache.set('a', 1));
    const third = await clocked.versions.current('a');
    if (strategy === 'counter') expect([second - first, third - first]).toEqual([1, 2]);
    else expect(second - first).toBeGreaterThanOrEqual(5_000);
    expect(third).toBeGreaterThan(second);
    expect(first).toBeGreaterThanOrEqual(1_704_067_200_000_000);
  });

  it('G28: are never used twice, through deletion and expiry', async () => {
    const seen: number[] = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 20; i++) seen.push(await clocked.versions.bump('a'));
      if (round % 2 === 0) await clocked.cache.delete('a');
      else await world.elapse(86_400_000);
      expect(await clocked.versions.current('a')).toBe(0);
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });
});

describe('the strategy', () => {
  it('is by timestamp unless the module says otherwise, and an unknown one stops the boot', async () => {
    await app.cache.set('a', 1);
    expect(app.commits()[0]?.operations[0]).toMatchObject({ strategy: 'timestamp' });
    const counting = await world.process({ version: { strategy: 'counter' } });
    await counting.cache.set('a', 1);
    await counting.coordinator.run(() => counting.cache.set('a', 1));
    expect(counting.commits().map(({ operations }) => operations[0])).toMatchObject([
      { strategy: 'counter' },
      { strategy: 'counter' },
    ]);
    await expect(world.process({ version: { strategy: 'random' as 'counter' } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});

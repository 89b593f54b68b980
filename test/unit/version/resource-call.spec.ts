import { beforeEach, describe, expect, it } from '@jest/globals';
import { AsyncResource } from 'node:async_hooks';
import type { Expectation } from '../../../src/store/entry-operations.js';
import type { Transaction } from '../../../src/txn/transaction.js';
import { ResourceCall, withResource } from '../../../src/version/resource-call.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let other: TxnProcess;
let version: number;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
  await other.cache.set('r', 'first');
  version = await other.versions.current('r');
});

/** Runs outside of the call, as another process does. */
const elsewhere = AsyncResource.bind((work: () => Promise<unknown>): Promise<unknown> => work());

/** A GET of r: the entry is read before the method runs. */
async function get(work: () => Promise<unknown>): Promise<ResourceCall> {
  const resource = new ResourceCall('r', app.store, false, undefined);
  const [record] = await app.store.readEntries(['r']);
  resource.prefetch(record);
  await withResource(resource, work);
  return resource;
}

/** A PATCH of r in its transaction. */
async function patch(work: (txn: Transaction) => Promise<unknown>, demanded?: Expectation): Promise<ResourceCall> {
  const resource = new ResourceCall('r', app.store, true, demanded);
  await withResource(resource, () => app.coordinator.execute({}, work, resource));
  return resource;
}

const present = (): Promise<number> => other.versions.current('r');

describe('the version that a GET shows', () => {
  it('G31: is the one that a load has filled', async () => {
    await other.cache.delete('r');
    const resource = await get(async () => expect(await app.cache.getOrLoad('r', () => 'row')).toBe('row'));
    expect(resource.shownVersion).toBe(await present());
    expect(resource.shownVersion).toBeGreaterThan(version);
  });

  it('G31: is none for what was loaded and not filled, whatever the call reads later', async () => {
    await other.cache.delete('r');
    const resource = await get(async () => {
      await app.cache.getOrLoad('r', async () => {
        await elsewhere(() => other.cache.set('r', 'newer'));
        return 'row';
      });
      expect(await app.cache.get('r')).toBe('newer');
    });
    expect(resource.shownVersion).toBeUndefined();
  });

  it('G31: is none for what was loaded inside of a transaction', async () => {
    await other.cache.delete('r');
    const resource = await get(() => app.coordinator.run(() => app.cache.getOrLoad('r', () => 'row')));
    expect(resource.shownVersion).toBeUndefined();
  });

  it('G31: is that of the entry read before the method, which its first read gets without a round trip', async () => {
    app.store.forget();
    const resource = await get(async () => {
      expect(await app.cache.getEntry('r')).toEqual({ value: 'first', version });
    });
    expect([resource.shownVersion, app.store.count('readEntries')]).toEqual([version, 1]);
  });

  it('G31: stays the one read first when somebody changes the entry meanwhile: never a newer tag on an older body', async () => {
    const resource = await get(async () => {
      await app.cache.get('r');
      await elsewhere(() => other.cache.set('r', 'second'));
      expect(await app.cache.get('r')).toBe('second');
    });
    expect(resource.shownVersion).toBe(version);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a write', () => app.cache.set('r', 'mine')],
    ['a write with others', () => app.cache.setMany({ a: 1, r: 'mine' })],
    ['an update', () => app.cache.update('r', () => 'mine')],
    ['a transaction', () => app.coordinator.run(() => app.cache.set('r', 'mine'))],
    [
      'a transaction of its own',
      () =>
        app.coordinator.run(() =>
          app.coordinator.run({ propagation: 'requires_new' }, () => app.cache.set('r', 'mine')),
        ),
    ],
    ['a bump', () => app.versions.bump('r')],
    ['a compare-and-set', () => app.versions.compareAndSet('r', version, 'mine')],
    ['a delete', () => app.cache.delete('r')],
  ])('G31: is the one that %s of the method made', async (_what, write) => {
    const resource = await get(write);
    expect(resource.shownVersion).toBe(await present());
    expect(resource.shownVersion).not.toBe(version);
  });

  it('G31: fits what the method reads after its own write, rather than what was read before it', async () => {
    const resource = await get(async () => {
      await app.cache.set('r', 'mine');
      expect(await app.cache.get('r')).toBe('mine');
    });
    expect(resource.shownVersion).toBe(await present());
  });

  it('G31: is the old one when a transaction that wrote failed', async () => {
    const resource = await get(() =>
      app.coordinator
        .run(async () => {
          await app.cache.set('r', 'mine');
          throw new Error('mine');
        })
        .catch(() => undefined),
    );
    expect(resource.shownVersion).toBe(version);
  });

  it('is 0 for no entry', async () => {
    await elsewhere(() => other.cache.delete('r'));
    expect((await get(() => app.cache.get('r'))).shownVersion).toBe(0);
  });

  it('knows nothing of other keys', async () => {
    const resource = await get(async () => {
      await app.cache.getMany(['a', 'r', 'b']);
      await app.cache.set('a', 1);
    });
    expect(resource.shownVersion).toBe(version);
  });
});

describe('a PATCH', () => {
  it('G31: shows the version that its commit made', async () => {
    const resource = await patch(() => app.cache.set('r', 'second'));
    expect(resource.shownVersion).toBe(await present());
  });

  it('G31: gives its resource a new version although the method wrote something else', async () => {
    const resource = await patch(() => app.cache.set('a', 1));
    expect(resource.shownVersion).toBe(await present());
    expect([await other.cache.get('r'), resource.shownVersion === version]).toEqual(['first', false]);
  });

  it('G32: is refused by its commit when the client’s version is an old one, with nothing visible', async () => {
    await elsewhere(() => other.cache.set('r', 'theirs'));
    const demanded = { kind: 'version', version } as const;
    const running = patch(() => app.cache.setMany({ a: 1, r: 'mine' }), demanded);
    await expect(running).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      details: { key: 'r', actual: await present() },
    });
    expect(await other.cache.getMany(['a', 'r'])).toEqual(new Map([['r', 'theirs']]));
    await patch(() => app.cache.set('r', 'mine'), { kind: 'version', version: await present() });
    expect(await other.cache.get('r')).toBe('mine');
  });

  it('G32: is refused when the version changes between the read and the commit, also one that the client guessed', async () => {
    const guess = version + 1;
    const running = patch(
      async () => {
        const read = await app.cache.get<string>('r');
        await elsewhere(() =>
          other.store.commit({
            txnId: 'theirs',
            operations: [{ kind: 'put', key: 'r', value: '"theirs"', ttlMs: 0, strategy: 'counter' }],
            guards: [],
            outcomeTtlMs: 0,
          }),
        );
        await app.cache.set('r', `${read}, and mine`);
      },
      { kind: 'version', version: guess },
    );
    await expect(running).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect([await present(), await other.cache.get('r')]).toEqual([guess, 'theirs']);
  });

  it('G32: with If-Match * fails without an entry, and loses no update that somebody else makes', async () => {
    const any = { kind: 'exists' } as const;
    const change = async (): Promise<void> => {
      const read = await app.cache.get<string>('r');
      await elsewhere(() => other.cache.set('r', 'theirs'));
      await app.cache.set('r', `${read}, and mine`);
    };
    await expect(patch(change, any)).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
    await elsewhere(() => other.cache.delete('r'));
    await expect(patch(change, any)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect(await other.cache.get('r')).toBe('theirs');
    await elsewhere(() => other.cache.delete('r'));
    await expect(patch(() => app.cache.set('r', 'mine'), any)).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      details: { actual: 0 },
    });
    const deleted = patch(async () => {
      await app.cache.get('r');
      await elsewhere(() => other.cache.delete('r'));
    }, any);
    await expect(deleted).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  });

  it('G32: takes a change of another key it read for an ordinary conflict, and both for the client’s', async () => {
    const demanded = { kind: 'version', version } as const;
    const overtakenOn = (...keys: string[]): Promise<ResourceCall> =>
      patch(async () => {
        await app.cache.get('a');
        for (const key of keys) await elsewhere(() => other.cache.set(key, 'theirs'));
      }, demanded);
    await expect(overtakenOn('a')).rejects.toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: ['a'] } });
    await expect(overtakenOn('a', 'r')).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
  });

  it('G32: has its condition checked by its own commit only, not by those of other transactions inside', async () => {
    await patch(
      async () => {
        await app.coordinator.run({ propagation: 'requires_new' }, () => app.cache.set('audit', 1));
        await app.cache.set('r', 'mine');
      },
      { kind: 'version', version },
    );
    expect(await other.cache.getMany(['audit', 'r'])).toEqual(
      new Map<string, unknown>([
        ['audit', 1],
        ['r', 'mine'],
      ]),
    );
  });
});

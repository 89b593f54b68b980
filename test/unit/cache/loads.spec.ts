import { beforeEach, describe, expect, it } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import { TransactionAbortedError } from '../../../src/base/errors.js';
import { NextLoad } from '../../../src/cache/loading/next-load.js';
import { waitingCall } from '../../../src/cache/loading/waiting-call.js';
import { observe } from '../lock/lock-world.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

/** A load that tells when it has begun, and ends when it is let go. */
function heldLoad<T>() {
  let end: (value: T) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const value = new Promise<T>((resolve, reject) => ([end, fail] = [resolve, reject]));
  const load = (): Promise<T> => {
    begin();
    return value;
  };
  return { load, begun, end: (loaded: T) => end(loaded), fail: (error: Error) => fail(error) };
}

/** Whoever asked the store before this has its answer after it. */
async function hasAsked(): Promise<void> {
  await app.cache.get('somewhere else');
}

describe('calls of one process that load the same key', () => {
  it('share one load', async () => {
    const first = heldLoad<string>();
    const answers = [app.cache.getOrLoad('a', first.load)];
    await first.begun;
    answers.push(app.cache.getOrLoad('a', () => 'another'));
    await hasAsked();
    first.end('first');
    expect(await Promise.all(answers)).toEqual(['first', 'first']);
  });

  it('share no load that began before the key was written', async () => {
    const old = heldLoad<string>();
    const before = app.cache.getOrLoad('a', old.load);
    await old.begun;
    await other.cache.delete('a');
    expect(await app.cache.getOrLoad('a', () => 'new')).toBe('new');
    old.end('old');
    expect(await before).toBe('old');
    expect(await other.cache.get('a')).toBe('new');
  });

  it('load for themselves inside of the loader of the same key, which they would wait for in vain', async () => {
    const inner = (): Promise<string | undefined> => app.cache.getOrLoad('a', () => 'inner');
    expect(await app.cache.getOrLoad('a', async () => `outer of ${await inner()}`)).toBe('outer of inner');
    expect(await other.cache.get('a')).toBe('outer of inner');
    const many = await app.cache.getOrLoadMany(['b', 'c'], async (keys) => {
      const nested = await app.cache.getOrLoadMany(keys, () => ({ b: 1, c: 2 }));
      return new Map(nested);
    });
    expect(Object.fromEntries(many)).toEqual({ b: 1, c: 2 });
    app.store.always('leaseFill', 'refuse');
    expect(await app.cache.getOrLoad('d', () => app.cache.getOrLoad('d', () => 'inner'))).toBe('inner');
    expect(await app.cache.getOrLoad('e', () => app.cache.getOrLoad('e', () => 'away'))).toBe('away');
  });

  it('G52: load for themselves after their wait, and at once without one', async () => {
    const first = heldLoad<string>();
    const answers = [app.cache.getOrLoad('a', first.load, { timeout: '1m' })];
    await first.begun;
    expect(await app.cache.getOrLoad('a', () => 'at once', { wait: 0 })).toBe('at once');
    const patient = observe(app.cache.getOrLoad('a', () => 'after its wait', { wait: '300ms' }));
    await world.elapse(299);
    expect(patient.state).toBe('pending');
    await world.elapse(1);
    expect(patient.value).toBe('after its wait');
    first.end('first');
    expect(await Promise.all(answers)).toEqual(['first']);
    expect(await other.cache.get('a')).toBe('first');
  });

  it('G52: keep to their own wait when they share the waiting of a more patient one', async () => {
    const theirs = heldLoad<string>();
    const filling = other.cache.getOrLoad('a', theirs.load, { timeout: '1m' });
    await theirs.begun;
    const patient = observe(app.cache.getOrLoad('a', () => 'patient', { wait: '1m' }));
    const hasty = observe(app.cache.getOrLoad('a', () => 'hasty', { wait: '100ms' }));
    await world.elapse(100);
    expect([patient.state, hasty.value]).toEqual(['pending', 'hasty']);
    theirs.end('theirs');
    await world.elapse(50);
    expect([await filling, patient.value]).toEqual(['theirs', 'theirs']);
  });

  it.each([
    ['a transaction that its client has left', new TransactionAbortedError('the client left')],
    ['a request to elsewhere that was aborted', new DOMException('aborted', 'AbortError')],
  ])('ask again when the load that they share was given up: %s', async (_what, reason) => {
    const first = heldLoad<string>();
    const given = app.cache.getOrLoad('a', first.load);
    await first.begun;
    const call = app.cache.getOrLoad('a', () => 'own');
    await hasAsked();
    first.fail(reason);
    await expect(given).rejects.toBe(reason);
    expect([await call, await other.cache.get('a')]).toEqual(['own', 'own']);
  });

  it('G51: ask again when the call that loads was given up, whatever its method throws then', async () => {
    const leaving = new AbortController();
    const first = heldLoad<string>();
    const given = observe(callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', first.load)));
    await first.begun;
    const call = app.cache.getOrLoad('a', () => 'own');
    await hasAsked();
    leaving.abort(new TransactionAbortedError('the client left'));
    first.fail(new Error('canceled'));
    expect([await call, await other.cache.get('a')]).toEqual(['own', 'own']);
    expect(given.error).toBe(leaving.signal.reason);
  });

  it('share what a load has failed with otherwise', async () => {
    const first = heldLoad<string>();
    const calls = [app.cache.getOrLoad('a', first.load)];
    await first.begun;
    calls.push(app.cache.getOrLoad('a', () => 'own'));
    await hasAsked();
    const reason = new Error('the database is away');
    first.fail(reason);
    for (const call of calls) await expect(call).rejects.toBe(reason);
  });
});

describe('a load of a key that may change at any moment', () => {
  it('is shared by those who ask before it begins, and by nobody else', async () => {
    const loads = new NextLoad<string>();
    const [first, second] = [heldLoad<string>(), heldLoad<string>()];
    const one = loads.run('a', first.load);
    const others = [loads.run('a', second.load), loads.run('a', () => Promise.resolve('third'))];
    first.end('first');
    expect(await one).toBe('first');
    await second.begun;
    const last = loads.run('a', () => Promise.resolve('last'));
    second.end('second');
    expect(await Promise.all(others)).toEqual(['second', 'second']);
    expect(await last).toBe('last');
  });

  it('begins also when the one before has failed', async () => {
    const loads = new NextLoad<string>();
    const failed = loads.run('a', () => Promise.reject(new Error('no')));
    const next = loads.run('a', () => Promise.resolve('next'));
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('next');
  });
});

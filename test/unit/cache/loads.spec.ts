import { beforeEach, describe, expect, it } from '@jest/globals';
import { NextLoad } from '../../../src/cache/next-load.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  const world = new TxnWorld();
  app = await world.process();
  other = await world.process();
});

/** A load that tells when it has begun, and ends when it is let go. */
function heldLoad<T>(): { readonly load: () => Promise<T>; readonly begun: Promise<void>; end(value: T): void } {
  let end: (value: T) => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const value = new Promise<T>((resolve) => (end = resolve));
  const load = (): Promise<T> => {
    begin();
    return value;
  };
  return { load, begun, end: (loaded) => end(loaded) };
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

  it('share the load that one of them begins while another process loads', async () => {
    const theirs = heldLoad<string>();
    const filling = other.cache.getOrLoad('a', theirs.load);
    await theirs.begun;
    const ours = heldLoad<string>();
    const answers = [app.cache.getOrLoad('a', ours.load, { wait: 0 })];
    await ours.begun;
    answers.push(app.cache.getOrLoad('a', () => 'another', { wait: 0 }));
    await hasAsked();
    ours.end('ours');
    expect(await Promise.all(answers)).toEqual(['ours', 'ours']);
    theirs.end('theirs');
    expect([await filling, await app.cache.get('a')]).toEqual(['theirs', 'theirs']);
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

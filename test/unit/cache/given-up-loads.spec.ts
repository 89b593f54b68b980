import { beforeEach, describe, expect, it } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import { TransactionAbortedError } from '../../../src/base/errors.js';
import { waitingCall } from '../../../src/cache/loading/waiting-call.js';
import { observe } from '../lock/lock-world.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  [app, other] = [await world.process(), await world.process()];
});

const LEFT = new TransactionAbortedError('the client left');

describe('a call whose client leaves while it waits for the load of another call', () => {
  async function waiting(loader: TxnProcess) {
    const end = milestone();
    const theirs = observe(loader.cache.getOrLoad('a', () => end.reached.then(() => 'theirs')));
    await world.settle();
    const leaving = new AbortController();
    const ours = observe(callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', () => 'ours')));
    await world.settle();
    leaving.abort(LEFT);
    await world.elapse(1_000);
    return { theirs, ours, end: end.reach };
  }

  it('of another process: waits no longer', async () => {
    const { ours, end } = await waiting(other);
    expect(ours.state).toBe('rejected');
    end();
    await world.settle();
  });

  it('of this process: waits no longer', async () => {
    const { ours, end } = await waiting(app);
    expect(ours.state).toBe('rejected');
    end();
    await world.settle();
  });

  it('of this process, beside a store that is away: waits no longer', async () => {
    app.store.always('*', 'refuse');
    const { ours, end } = await waiting(app);
    expect(ours.state).toBe('rejected');
    end();
    await world.settle();
  });

  it('of another process, with a call of this one: waits no longer', async () => {
    const end = milestone();
    observe(other.cache.getOrLoad('a', () => end.reached.then(() => 'theirs')));
    await world.settle();
    observe(app.cache.getOrLoad('a', () => 'first'));
    await world.settle();
    const leaving = new AbortController();
    const ours = observe(callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', () => 'ours')));
    await world.settle();
    leaving.abort(LEFT);
    await world.elapse(1_000);
    expect(ours.state).toBe('rejected');
    end.reach();
    await world.settle();
  });
});

it('a call whose client leaves while its stale value is loaded anew is given up, and no failure', async () => {
  const options = { ttl: '1s', staleIfError: '1h' } as const;
  await app.cache.getOrLoad('a', () => 'old', options);
  await world.elapse(1_000);
  const leaving = new AbortController();
  const load = () =>
    new Promise((_, reject) => {
      leaving.signal.addEventListener('abort', () => reject(LEFT));
    });
  const ours = observe(callScope.run(waitingCall, leaving, () => app.cache.getOrLoad('a', load, options)));
  await world.settle();
  leaving.abort(LEFT);
  await world.settle();
  expect(ours).toMatchObject({ state: 'rejected', error: LEFT });
  expect(app.reported).toEqual([]);
});

it('a call for several keys that has failed loads nothing afterwards', async () => {
  const end = milestone();
  observe(other.cache.getOrLoad('b', () => end.reached.then(() => 'theirs'), { timeout: '1m' }));
  await world.settle();
  const asked: (readonly string[])[] = [];
  const call = observe(
    app.cache.getOrLoadMany(
      ['a', 'b'],
      (keys) => {
        asked.push(keys);
        return Promise.reject(new Error('the database is away'));
      },
      { wait: '5s' },
    ),
  );
  await world.settle();
  expect(call.state).toBe('rejected');
  await world.elapse(5_000);
  expect(asked).toEqual([['a']]);
});

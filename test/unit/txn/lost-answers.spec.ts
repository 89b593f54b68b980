import { beforeEach, describe, expect, it } from '@jest/globals';
import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import { type Fault, gate, lostReply, unavailable } from '../../support/stores/scripted-store.js';
import { type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { observe } from '../lock/lock-world.js';

let world: TxnWorld;
let app: TxnProcess;
let other: TxnProcess;

beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process({ txn: { timeout: '10s' } });
  other = await world.process();
});

/** The server never got the command, and the client cannot know that. */
const lostRequest: Fault = async () => {
  throw new StoreTimeoutError('no answer');
};

/** The command is on its way until the gate opens, and its caller has given up by then. */
function delayed(): { readonly fault: Fault; readonly arrive: () => Promise<unknown> } {
  let late: () => Promise<unknown> = async () => undefined;
  const fault: Fault = async (run) => {
    late = run;
    throw new StoreTimeoutError('no answer');
  };
  return { fault, arrive: () => late() };
}

const increment = (process: TxnProcess): Promise<number> =>
  process.coordinator.runWithRetry(async () => {
    const next = ((await process.cache.get<number>('n')) ?? 0) + 1;
    await process.cache.set('n', next);
    return next;
  });

describe('a commit whose answer was lost', () => {
  it('G20: is known to be applied, and is not applied again', async () => {
    app.store.next('commit', lostReply);
    expect(await increment(app)).toBe(1);
    expect(await increment(app)).toBe(2);
    expect(await other.cache.get('n')).toBe(2);
    expect([app.store.count('commit'), app.store.count('resolveCommit')]).toEqual([2, 1]);
  });

  it('G20: gives the versions that it made', async () => {
    app.store.next('commit', lostReply);
    const version = await app.versions.compareAndSet('n', 0, 1);
    expect(version).toBe(await other.versions.current('n'));
  });

  it('G20: that had not run is refused for good: the late commit changes nothing', async () => {
    const { fault, arrive } = delayed();
    app.store.next('commit', fault);
    await expect(increment(app)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await expect(arrive()).resolves.toEqual({ kind: 'aborted' });
    expect(await other.cache.has('n')).toBe(false);
  });

  it('G20: is asked for until the store answers', async () => {
    app.store.next('commit', lostReply);
    app.store.next('resolveCommit', lostRequest, unavailable, lostReply);
    const running = observe(increment(app));
    await world.elapse(1_000);
    expect(running.value).toBe(1);
    expect(app.store.count('resolveCommit')).toBe(4);
  });

  it('G20: whose question was lost too stays refused, by whichever question arrived', async () => {
    const { fault, arrive } = delayed();
    app.store.next('commit', fault);
    app.store.next('resolveCommit', lostReply);
    const running = observe(increment(app));
    await world.elapse(1_000);
    expect(running.error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(arrive()).resolves.toEqual({ kind: 'aborted' });
  });

  it('G20, G21: is in doubt when the store stays away until the deadline, and says which keys', async () => {
    app.store.next('commit', lostReply);
    app.store.always('resolveCommit', unavailable);
    const running = observe(increment(app));
    await world.elapse(9_700);
    expect(running.state).toBe('pending');
    await world.elapse(600);
    expect(running.error).toMatchObject({ code: 'TXN_IN_DOUBT', retryable: false, details: { keys: ['n'] } });
    expect(running.error).toHaveProperty('cause.code', 'STORE_UNAVAILABLE');
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('G20, G21: gets two seconds for its question also when the deadline has passed', async () => {
    const slow = gate();
    app.store.next('commit', async (run) => {
      await slow.lateReply(run);
      throw new StoreTimeoutError('no answer');
    });
    app.store.always('resolveCommit', unavailable);
    const running = observe(increment(app));
    await world.elapse(11_000);
    slow.open();
    await world.elapse(1_700);
    expect(running.state).toBe('pending');
    app.store.always('resolveCommit', undefined);
    await world.elapse(300);
    expect(running.value).toBe(1);
  });

  it('G20, G21: is in doubt, never "not applied", when its outcome may have been forgotten before anybody could ask', async () => {
    const slow = await world.process({ txn: { timeout: '1h' } });
    slow.store.next('commit', lostReply);
    slow.store.always('resolveCommit', unavailable);
    const running = observe(increment(slow));
    await world.elapse(29_900);
    // The server keeps the outcome for 30 s; from then on it would call the commit aborted.
    slow.store.always('resolveCommit', undefined);
    await world.elapse(60_000);
    expect(running.error).toMatchObject({ code: 'TXN_IN_DOUBT' });
    expect(await other.cache.get('n')).toBe(1);
  });

  it('G20: whose answer "aborted" is late is in doubt for the same reason', async () => {
    const slow = await world.process({ txn: { timeout: '1h' } });
    const stuck = gate();
    slow.store.next('commit', lostReply);
    slow.store.next('resolveCommit', stuck.lateRequest);
    const running = observe(increment(slow));
    await world.elapse(40_000);
    stuck.open();
    await world.settle();
    expect(running.error).toMatchObject({ code: 'TXN_IN_DOUBT' });
    expect(await other.cache.get('n')).toBe(1);
  });

  it('G20: that only validates is an ordinary time-out: there is nothing to ask for', async () => {
    app.store.next('commit', lostReply);
    const running = app.coordinator.run({ readOnly: true }, () => app.cache.get('n'));
    await expect(running).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    expect([app.store.count('resolveCommit'), app.commits()[0]?.outcomeTtlMs]).toEqual([0, 0]);
  });
});

describe('what the store says of a commit', () => {
  it.each<[string, Fault, object]>([
    ['that it did not get it', unavailable, { code: 'STORE_UNAVAILABLE' }],
    ['that it was aborted before', async () => ({ kind: 'aborted' }), { code: 'TXN_ABORTED' }],
    [
      'that a lock is lost',
      async () => ({ kind: 'lock-lost', name: 'a' }),
      { code: 'LOCK_LOST', details: { names: ['a'] } },
    ],
    [
      'that a version is another',
      async () => ({ kind: 'conflict', mismatches: [{ key: 'n', actual: 7 }] }),
      { code: 'VERSION_CONFLICT', details: { keys: ['n'] } },
    ],
  ])('%s becomes an error of its own', async (_what, fault, expected) => {
    app.store.always('commit', fault);
    const running = app.coordinator.run(() => app.cache.set('n', 1));
    await expect(running).rejects.toMatchObject({ ...expected });
    await expect(app.cache.set('n', 1)).rejects.toMatchObject({ ...expected });
    expect(app.store.count('resolveCommit')).toBe(0);
  });

  it('an error that is none of ours passes through', async () => {
    const bug = new TypeError('bug');
    app.store.next('commit', () => Promise.reject(bug));
    await expect(app.cache.set('n', 1)).rejects.toBe(bug);
  });

  it('an answer without a transaction is asked for as well', async () => {
    app.store.next('commit', lostReply);
    await app.cache.set('n', 1);
    app.store.next('commit', lostRequest);
    await expect(app.cache.set('n', 2)).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(await other.cache.get('n')).toBe(1);
  });
});

describe('a commit that took longer than its outcome is kept', () => {
  it('G20: is asked for all the same, and "committed" is believed whenever it comes', async () => {
    app.store.next('commit', async (run) => {
      await run();
      await world.elapse(29_000);
      throw new StoreTimeoutError('no answer');
    });
    expect(await increment(app)).toBe(1);
    expect(app.store.count('resolveCommit')).toBe(1);
  });
});

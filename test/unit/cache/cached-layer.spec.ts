import { beforeEach, describe, expect, it } from '@jest/globals';
import { StreamableFile } from '@nestjs/common';
import { Readable } from 'node:stream';
import { callScope } from '../../../src/base/async-scope.js';
import { TransactionAbortedError } from '../../../src/base/errors.js';
import { Cached } from '../../../src/cache/decorators/cached.decorator.js';
import { CachedLayer } from '../../../src/cache/decorators/cached.layer.js';
import { currentCall } from '../../../src/pipeline/current-call.js';
import { describeMethod } from '../../../src/pipeline/decorated-method.js';
import { type Next, RANK } from '../../../src/pipeline/layer.js';
import { gate } from '../../support/stores/scripted-store.js';
import { milestone, type TxnProcess, TxnWorld } from '../../support/txn-world.js';
import { followersOf, observe } from '../lock/lock-world.js';
import { makeCall } from '../pipeline/make-call.js';

class Books {
  bare(): void {}
  @Cached('book:{args.0}')
  find(): void {}
  @Cached('hasty:{args.0}', { ttl: '1m', timeout: '200ms', wait: 0, onStoreError: 'throw' })
  hasty(): void {}
  @Cached('renewed:{args.0}', { ttl: '1m', staleWhileRevalidate: '1h' })
  renewed(): void {}
  @Cached('ahead:{args.0}', { refreshAhead: '15m' })
  ahead(): void {}
  @Cached(({ args }) => args as string[])
  byFunction(): void {}
}

let world: TxnWorld;
let app: TxnProcess;
let layer: CachedLayer;
beforeEach(async () => {
  world = new TxnWorld();
  app = await world.process();
  layer = new CachedLayer(app.cache, app.store, {}, () => false);
});

const describing = (name: keyof Books) => describeMethod(Books, name, Books.prototype[name], 'provider');
const find = (signal: AbortSignal, next: Next) =>
  layer.prepare(describing('find'))(makeCall({ args: ['1'], signal }), next);

describe('the layer of @Cached', () => {
  it('is outside of the lock, and wants only decorated methods', () => {
    expect([layer.rank, layer.ownsAnswer]).toEqual([RANK.load, true]);
    expect(RANK.load).toBeLessThan(RANK.lock);
    expect([layer.storeOf(describing('bare')), layer.storeOf(describing('find'))]).toEqual([undefined, 'default']);
  });

  it('refuses when the application starts what the module makes of its options', () => {
    const with30Minutes = new CachedLayer(app.cache, app.store, { ttl: '30m' }, () => false);
    expect(() => with30Minutes.prepare(describing('ahead'))).not.toThrow();
    expect(() => layer.prepare(describing('ahead'))).toThrow('cache.refreshAhead: 900000 ms must be less than the ttl');
  });

  it('loads for itself when the call whose load it shared was left by its client', async () => {
    const [begun, left] = [milestone(), milestone()];
    const leaving = new AbortController();
    const first = find(leaving.signal, async () => {
      begun.reach();
      await left.reached;
      throw leaving.signal.reason;
    });
    await begun.reached;
    const second = find(new AbortController().signal, async () => ['own']);
    await app.cache.get('the second one has asked');
    leaving.abort(new TransactionAbortedError('the client left'));
    left.reach();
    await expect(first).rejects.toThrow('the client left');
    expect(await second).toEqual(['own']);
  });

  it('gives up when its own method fails so', async () => {
    let runs = 0;
    const failing = async (): Promise<never> => {
      runs += 1;
      throw new TransactionAbortedError('a transaction of its own');
    };
    await expect(find(new AbortController().signal, failing)).rejects.toThrow('a transaction of its own');
    expect(runs).toBe(1);
  });

  it('G52: ends the signal of the method, and of what it calls, with the time of the load, or with the call', async () => {
    const signals: AbortSignal[] = [];
    const hanging: Next = (call) => {
      signals.push(call!.signal, callScope.get(currentCall)!.signal);
      return new Promise(() => undefined);
    };
    const late = expect(find(new AbortController().signal, hanging)).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' });
    await world.elapse(4_999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await world.elapse(1);
    await late;
    expect(signals.map(({ reason }) => (reason as { code: string }).code)).toEqual(['LOAD_TIMEOUT', 'LOAD_TIMEOUT']);
    const leaving = new AbortController();
    find(leaving.signal, hanging).catch(() => undefined);
    await world.settle();
    leaving.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true, true]);
  });

  it.each([new StreamableFile(Buffer.from('file')), Readable.from(['text'])])(
    'refuses a stream, %p',
    async (stream) => {
      const call = find(new AbortController().signal, async () => [stream]);
      await expect(call).rejects.toThrow('the value of book:1: a stream cannot be cached');
      expect(await app.cache.has('book:1')).toBe(false);
    },
  );

  it('loads with the options of the decorator', async () => {
    const around = layer.prepare(describing('hasty'));
    const call = makeCall({ args: ['1'] });
    const hanging = around(call, () => new Promise(() => undefined));
    const late = expect(hanging).rejects.toMatchObject({ code: 'LOAD_TIMEOUT', details: { timeoutMs: 200 } });
    await world.settle();
    expect(await around(call, async () => ['at once'])).toEqual(['at once']);
    await world.elapse(200);
    await late;
    expect(await around(call, async () => ['kept for a minute'])).toEqual(['kept for a minute']);
    await world.elapse(60_000);
    expect(await app.cache.has('hasty:1')).toBe(false);
    app.store.always('*', 'refuse');
    await expect(around(call, async () => [1])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  describe('that waits for the load of another process', () => {
    let end: () => void;
    let runs: number;
    const own: Next = async () => [(runs += 1)];
    const questions = (): number => app.store.requests('leaseFill').length;

    beforeEach(async () => {
      const other = await world.process();
      const [begun, ended] = [milestone(), milestone()];
      [runs, end] = [0, ended.reach];
      const theirs = async (): Promise<string> => {
        begun.reach();
        await ended.reached;
        return 'theirs';
      };
      void other.cache.getOrLoad('book:1', theirs, { timeout: '1m' });
      await begun.reached;
    });

    /** A call whose client leaves when the test says so. */
    function leavable() {
      const leaving = new AbortController();
      const call = observe(find(leaving.signal, own));
      return {
        call,
        leave: () => leaving.abort(new TransactionAbortedError('the client left')),
        signal: leaving.signal,
      };
    }

    it('waits no longer when its client has left, asks nothing more and runs no method', async () => {
      const { call, leave, signal } = leavable();
      await world.settle();
      leave();
      await world.settle();
      expect(call).toMatchObject({ state: 'rejected', error: signal.reason });
      const before = questions();
      await world.elapse(10_000);
      expect([questions() - before, runs, followersOf(signal)]).toEqual([0, 0, 0]);
    });

    it('asks nothing when its client has left before it begins to wait', async () => {
      const asking = gate();
      app.store.next('leaseFill', asking.lateReply);
      const { call, leave } = leavable();
      await world.settle();
      leave();
      asking.open();
      await world.settle();
      expect([call.state, questions()]).toEqual(['rejected', 1]);
    });

    it('G51: takes no other call along when its client leaves; the last that is left asks on', async () => {
      const [first, second, third] = [leavable(), leavable(), leavable()];
      await world.settle();
      first.leave();
      second.leave();
      await world.settle();
      expect([first, second, third].map(({ call }) => call.state)).toEqual(['rejected', 'rejected', 'pending']);
      end();
      await world.settle();
      expect([third.call.value, runs]).toEqual([['theirs'], 0]);
      expect(followersOf(third.signal)).toBe(0);
    });

    it('asks nothing more when the last client has left', async () => {
      const calls = [leavable(), leavable(), leavable()];
      await world.settle();
      const before = questions();
      for (const { leave } of calls) leave();
      await world.settle();
      expect(calls.map(({ call }) => call.state)).toEqual(Array(3).fill('rejected'));
      await world.elapse(10_000);
      expect(questions() - before).toBe(0);
    });
  });

  it('renews a stale value although the client that got it has left meanwhile, until the time of the load', async () => {
    const around = layer.prepare(describing('renewed'));
    const leaving = new AbortController();
    const call = makeCall({ args: ['1'], signal: leaving.signal });
    await around(call, async () => ['old']);
    await world.elapse(61_000);
    const signals: AbortSignal[] = [];
    const next: Next = (inner) => {
      signals.push(inner!.signal, callScope.get(currentCall)!.signal);
      return new Promise(() => undefined);
    };
    const stale = around(call, next);
    leaving.abort(new TransactionAbortedError('the client left'));
    expect(await stale).toEqual(['old']);
    await world.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await world.elapse(5_000);
    expect(signals.map(({ reason }) => (reason as { code: string }).code)).toEqual(['LOAD_TIMEOUT', 'LOAD_TIMEOUT']);
    expect(app.reported).toMatchObject([{ error: { code: 'LOAD_TIMEOUT' } }]);
  });

  it('refuses a key function that gives several keys', async () => {
    const around = layer.prepare(describing('byFunction'));
    expect(await around(makeCall({ args: ['a'] }), async () => [1])).toEqual([1]);
    await expect(async () => around(makeCall({ args: ['a', 'b'] }), async () => [1])).rejects.toThrow(
      'the key function of @Cached of Orders.find must give one key',
    );
  });
});

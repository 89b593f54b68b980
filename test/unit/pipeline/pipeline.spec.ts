import { describe, expect, it } from '@jest/globals';
import { Get, Res, Sse } from '@nestjs/common';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import { RANK, type PipelineLayer } from '../../../src/pipeline/layer.js';
import { decoratedMethods } from '../../../src/pipeline/method-explorer.js';
import { makeCall, pipelineOf, recordingLayer } from './make-call.js';

const LOCK = Symbol('@Locked');
const RETRY = Symbol('@Versioned');
const TXN = Symbol('@CacheTxn');
const lock = layerDecorator(LOCK, 'lock');
const retry = layerDecorator(RETRY, 'retry');
const txn = layerDecorator(TXN, 'txn');

class Orders {
  @lock
  @retry
  @txn
  lockRetryTxn(): void {}
  @lock
  @txn
  @retry
  lockTxnRetry(): void {}
  @retry
  @lock
  @txn
  retryLockTxn(): void {}
  @retry
  @txn
  @lock
  retryTxnLock(): void {}
  @txn
  @lock
  @retry
  txnLockRetry(): void {}
  @txn
  @retry
  @lock
  txnRetryLock(): void {}
}

function methodOf(target: new () => object, name: string, isController = false) {
  return decoratedMethods(target, isController).find((method) => method.name === name)!;
}

const ORDERED = ['lock begins', 'retry begins', 'txn begins', 'method', 'txn ends', 'retry ends', 'lock ends'];

describe('the pipeline', () => {
  const stackings = Object.getOwnPropertyNames(Orders.prototype).filter((name) => name !== 'constructor');

  it.each(stackings)('puts lock around retry around transaction when they are stacked as %s', async (name) => {
    const events: string[] = [];
    const layers = [
      recordingLayer(TXN, RANK.txn, events),
      recordingLayer(LOCK, RANK.lock, events),
      recordingLayer(RETRY, RANK.retry, events),
    ];
    for (const order of [layers, [...layers].reverse()]) {
      events.length = 0;
      const compiled = pipelineOf(order).compile(methodOf(Orders, name));
      const emitted = await compiled.run(makeCall(), async () => {
        events.push('method');
        return ['result'];
      });
      expect(emitted).toEqual(['result']);
      expect(events).toEqual(ORDERED);
    }
  });

  it('runs the inner layers and the method again when a layer does', async () => {
    const events: string[] = [];
    const pipeline = pipelineOf([
      recordingLayer(LOCK, RANK.lock, events),
      recordingLayer(RETRY, RANK.retry, events, async (next) => {
        await next();
        return next();
      }),
      recordingLayer(TXN, RANK.txn, events),
    ]);
    let runs = 0;
    const emitted = await pipeline.compile(methodOf(Orders, 'lockRetryTxn')).run(makeCall(), async () => [++runs]);
    expect(emitted).toEqual([2]);
    expect(events.filter((event) => event === 'txn begins')).toHaveLength(2);
    expect(events.filter((event) => event === 'lock begins')).toHaveLength(1);
  });

  it('rejects with the very error that the method or a layer threw, even one thrown at once', async () => {
    const error = new Error('mine');
    const throwing: PipelineLayer = {
      rank: 1,
      ownsAnswer: true,
      storeOf: () => 'default',
      prepare: () => () => {
        throw error;
      },
    };
    await expect(
      pipelineOf([throwing])
        .compile(methodOf(Orders, 'lockRetryTxn'))
        .run(makeCall(), async () => []),
    ).rejects.toBe(error);
    const passing = pipelineOf([recordingLayer(LOCK, 10, [])]).compile(methodOf(Orders, 'lockRetryTxn'));
    const failing = passing.run(makeCall(), () => {
      throw error;
    });
    await expect(failing).rejects.toBe(error);
  });

  it('compiles each method once and knows which have no layer', () => {
    let asked = 0;
    const pipeline = pipelineOf([
      {
        rank: 1,
        ownsAnswer: true,
        storeOf: () => {
          asked += 1;
          return undefined;
        },
        prepare: () => (_call, next) => next(),
      },
    ]);
    const method = methodOf(Orders, 'lockRetryTxn');
    const compiled = pipeline.compile(method);
    expect(pipeline.compile(method)).toBe(compiled);
    expect(pipeline.find(Orders, 'lockRetryTxn')).toBe(compiled);
    expect(asked).toBe(1);
    expect(compiled.isBare).toBe(true);
    expect(compiled.ownsAnswer).toBe(false);
  });

  describe('around methods that answer in their own way', () => {
    class Streams {
      @Sse()
      @txn
      events(): void {}
      @Get()
      @txn
      manual(@Res() res: unknown): unknown {
        return res;
      }
      @txn
      async *list(): AsyncGenerator<number> {
        yield await Promise.resolve(1);
      }
    }
    const owning = pipelineOf([recordingLayer(TXN, RANK.txn, [])]);
    const lending = pipelineOf([recordingLayer(TXN, RANK.lock, [], (next) => next(), false)]);

    it.each([
      ['events', 'Streams.events is an @Sse() stream'],
      ['manual', 'Streams.manual answers through @Res() or @Next()'],
      ['list', 'Streams.list is a generator'],
    ])('refuses %s for a layer that owns the answer, naming the method and the way out', (name, message) => {
      const compile = (): unknown => owning.compile(methodOf(Streams, name, true));
      expect(compile).toThrow(InvalidOptionsError);
      expect(compile).toThrow(message);
    });

    it('takes event streams and own responses for a layer that does not own the answer', () => {
      expect(lending.compile(methodOf(Streams, 'events', true)).ownsAnswer).toBe(false);
      expect(lending.compile(methodOf(Streams, 'manual', true)).ownsAnswer).toBe(false);
    });

    it('refuses generators for every layer, because their body runs after the call', () => {
      expect(() => lending.compile(methodOf(Streams, 'list', true))).toThrow('is a generator');
    });
  });
});

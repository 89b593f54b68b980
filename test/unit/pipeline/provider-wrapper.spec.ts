import { describe, expect, it } from '@jest/globals';
import { SetMetadata } from '@nestjs/common';
import { EMPTY, of, throwError, type Observable } from 'rxjs';
import { callScope } from '../../../src/base/async-scope.js';
import { InvalidOptionsError } from '../../../src/base/errors.js';
import { DEFAULT_STORE_NAME } from '../../../src/base/store-name.js';
import type { Call } from '../../../src/pipeline/call.js';
import { currentCall } from '../../../src/pipeline/current-call.js';
import { layerDecorator } from '../../../src/pipeline/decorate.js';
import type { PipelineLayer } from '../../../src/pipeline/layer.js';
import { decoratedMethods } from '../../../src/pipeline/method-explorer.js';
import { isWrapped, wrapMethod } from '../../../src/pipeline/provider-wrapper.js';
import { makeCall, pipelineOf } from './make-call.js';

const KEY = Symbol('@Locked');

@layerDecorator(KEY, 'locked')
class Wallets {
  balance = 10;
  notes = '';

  @SetMetadata('planted', 'kept')
  add(amount: number, note = ''): number {
    this.balance += amount;
    this.notes += note;
    return this.balance;
  }
  async later(amount: number): Promise<number> {
    return Promise.resolve(this.add(amount));
  }
  stream(...values: number[]): Observable<number> {
    return values.length === 0 ? EMPTY : of(...values);
  }
  fails(error: Error): never {
    throw error;
  }
  failsLater(error: Error): Observable<never> {
    return throwError(() => error);
  }
}

/** What the wrapped instance looks like to its callers. */
interface Wrapped {
  readonly balance: number;
  readonly notes: string;
  add(amount: number, note?: string): Promise<number>;
  later(amount: number): Promise<number>;
  stream(...values: number[]): Promise<number | undefined>;
  fails(error: Error): Promise<never>;
  failsLater(error: Error): Promise<never>;
}

/** Wraps every method and records the calls the layer saw. */
function wrapped(around: PipelineLayer['prepare'] = () => (_call, next) => next()) {
  const calls: Call[] = [];
  const pipeline = pipelineOf([
    {
      rank: 1,
      ownsAnswer: true,
      storeOf: () => DEFAULT_STORE_NAME,
      prepare: (method) => {
        const inner = around(method);
        return (call, next) => {
          calls.push(call);
          return inner(call, next);
        };
      },
    },
  ]);
  const wallets = new Wallets();
  for (const method of decoratedMethods(Wallets, false)) wrapMethod(wallets, pipeline.compile(method));
  return { wallets: wallets as unknown as Wrapped, calls, pipeline };
}

describe('a wrapped provider method', () => {
  it('keeps name, length and metadata, and the class stays as it is', () => {
    const { wallets } = wrapped();
    expect(wallets.add).not.toBe(Wallets.prototype.add);
    expect(wallets.add.name).toBe('add');
    expect(wallets.add.length).toBe(1);
    expect(Reflect.getMetadata('planted', wallets.add)).toBe('kept');
    expect(isWrapped(wallets.add as never)).toBe(true);
    expect(isWrapped(Wallets.prototype.add as never)).toBe(false);
    expect(Object.keys(wallets)).toEqual(['balance', 'notes']);
  });

  it('runs on its instance with its arguments and gives the layers a provider call', async () => {
    const { wallets, calls } = wrapped();
    await expect(wallets.add(5, 'note')).resolves.toBe(15);
    expect(wallets).toMatchObject({ balance: 15, notes: 'note' });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      transport: 'provider',
      target: Wallets,
      methodName: 'add',
      args: [5, 'note'],
      request: {},
      data: undefined,
      http: undefined,
      context: undefined,
    });
    expect(calls[0]?.signal.aborted).toBe(false);
  });

  it('returns a promise for values, promises and observables, of an observable the last value', async () => {
    const { wallets } = wrapped();
    const results: unknown[] = [wallets.add(1), wallets.later(1), wallets.stream(1, 2, 3), wallets.stream()];
    expect(results.every((result) => result instanceof Promise)).toBe(true);
    await expect(Promise.all(results)).resolves.toEqual([11, 12, 3, undefined]);
  });

  it('rejects with the very error, thrown at once or later', async () => {
    const { wallets } = wrapped();
    const error = new RangeError('mine');
    await expect(wallets.fails(error)).rejects.toBe(error);
    await expect(wallets.failsLater(error)).rejects.toBe(error);
  });

  it('gives undefined when a layer answers with nothing instead of running it', async () => {
    const { wallets } = wrapped(() => async () => []);
    await expect(wallets.add(5)).resolves.toBeUndefined();
    expect(wallets.balance).toBe(10);
  });

  it('goes through the layers again when another method of the instance calls it', async () => {
    const { wallets, calls } = wrapped();
    await wallets.later(1);
    expect(calls.map(({ methodName }) => methodName)).toEqual(['later', 'add']);
  });

  it('is wrapped anew and not twice, whoever wrapped it before', async () => {
    const { wallets, calls, pipeline } = wrapped();
    for (const method of decoratedMethods(Wallets, false)) wrapMethod(wallets, pipeline.compile(method));
    await wallets.add(1);
    expect(calls).toHaveLength(1);
  });

  it('has the signal of the request in which it is called', async () => {
    const { wallets, calls } = wrapped();
    const outer = makeCall();
    await callScope.run(currentCall, outer, () => wallets.add(1));
    await wallets.add(1);
    expect(calls.map(({ signal }) => signal === outer.signal)).toEqual([true, false]);
  });

  it('is refused on a frozen instance', () => {
    const { pipeline } = wrapped();
    const [method] = decoratedMethods(Wallets, false);
    const wrap = (): void => wrapMethod(Object.freeze(new Wallets()), pipeline.compile(method!));
    expect(wrap).toThrow(InvalidOptionsError);
    expect(wrap).toThrow('Wallets.add is decorated, but the instance is frozen');
  });
});

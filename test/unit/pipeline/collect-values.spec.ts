import { describe, expect, it } from '@jest/globals';
import { concat, defer, EMPTY, from, NEVER, of, range, Subject, throwError } from 'rxjs';
import { LimitExceededError } from '../../../src/base/errors.js';
import { collectValues, MAX_HELD_VALUES, type CollectOptions } from '../../../src/pipeline/collect-values.js';

const REASON = new Error('client left');

function options(parts: Partial<CollectOptions> = {}): CollectOptions {
  return { signal: new AbortController().signal, method: 'Orders.list', isStream: false, ...parts };
}

/** Whether the promise is still waiting after everything that can run without outside help has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  await new Promise(setImmediate);
  return (await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)])) === pending;
}

describe('collected values', () => {
  it('are everything the source emits, in order', async () => {
    await expect(collectValues(of(1, 2, 3), options())).resolves.toEqual([1, 2, 3]);
    await expect(collectValues(EMPTY, options())).resolves.toEqual([]);
  });

  it('are refused over 10,000, and the source is left', async () => {
    await expect(collectValues(range(0, MAX_HELD_VALUES), options())).resolves.toHaveLength(10_000);
    let isLeft = false;
    function* forever(): Generator<number> {
      try {
        for (;;) yield 1;
      } finally {
        isLeft = true;
      }
    }
    const endless = from(forever());
    const error = await collectValues(endless, options()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LimitExceededError);
    expect((error as Error).message).toContain('Orders.list emitted more than 10000 values');
    expect(isLeft).toBe(true);
  });

  it('reject with the very error of the source', async () => {
    const error = { not: 'an Error' };
    await expect(
      collectValues(
        throwError(() => error),
        options(),
      ),
    ).rejects.toBe(error);
  });

  it('are forwarded at once and not kept when asked for', async () => {
    const source = new Subject<number>();
    const seen: unknown[] = [];
    const collected = collectValues(source, options({ forward: (value) => seen.push(value) }));
    source.next(1);
    expect(seen).toEqual([1]);
    source.complete();
    await expect(collected).resolves.toEqual([]);
  });

  it('wait after an abort for a promise, which nothing can stop', async () => {
    const cancel = new AbortController();
    let finish: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const collected = collectValues(
      defer(() => work),
      options({ signal: cancel.signal }),
    );
    cancel.abort(REASON);
    expect(await isPending(collected)).toBe(true);
    finish('done');
    await expect(collected).resolves.toEqual(['done']);
  });

  it('stop with the abort when the source has shown to be a stream', async () => {
    const cancel = new AbortController();
    const source = new Subject<number>();
    const collected = collectValues(source, options({ signal: cancel.signal }));
    source.next(1);
    cancel.abort(REASON);
    await expect(collected).rejects.toBe(REASON);
    expect(source.observed).toBe(false);
  });

  it('stop at the first value after the abort when nothing was emitted before', async () => {
    const cancel = new AbortController();
    const source = new Subject<number>();
    const collected = collectValues(source, options({ signal: cancel.signal }));
    cancel.abort(REASON);
    expect(source.observed).toBe(true);
    source.next(1);
    await expect(collected).rejects.toBe(REASON);
    expect(source.observed).toBe(false);
  });

  it('stop with the abort when the source is known to be a stream, even before its first value', async () => {
    const cancel = new AbortController();
    const collected = collectValues(NEVER, options({ signal: cancel.signal, isStream: true }));
    cancel.abort(REASON);
    await expect(collected).rejects.toBe(REASON);
  });

  it('do not start a stream after the abort', async () => {
    let isStarted = false;
    const source = defer(() => {
      isStarted = true;
      return of(1);
    });
    await expect(collectValues(source, options({ signal: AbortSignal.abort(REASON), isStream: true }))).rejects.toBe(
      REASON,
    );
    expect(isStarted).toBe(false);
  });

  it('leave no listener on the signal', async () => {
    const { signal } = new AbortController();
    const listeners: string[] = [];
    signal.addEventListener = () => listeners.push('added');
    signal.removeEventListener = () => listeners.push('removed');
    await collectValues(concat(of(1), of(2)), options({ signal }));
    await collectValues(
      throwError(() => REASON),
      options({ signal }),
    ).catch(() => undefined);
    expect(listeners).toEqual(['added', 'removed', 'added', 'removed']);
  });
});

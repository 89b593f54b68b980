import { describe, expect, it } from '@jest/globals';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { AsyncScope, ScopeKey } from '../../../src/base/async-scope.js';

const A = new ScopeKey<string>('a');
const B = new ScopeKey<string>('b');

describe('what travels with a call', () => {
  it('is seen inside only, across every kind of waiting', async () => {
    const scope = new AsyncScope();
    const inside = await scope.run(A, 'value', async () => {
      await setImmediate();
      const late = await Promise.all([
        sleep(1).then(() => scope.get(A)),
        new Promise((resolve) => queueMicrotask(() => resolve(scope.get(A)))),
      ]);
      return [scope.get(A), ...late];
    });
    expect(inside).toEqual(['value', 'value', 'value']);
    expect(scope.get(A)).toBeUndefined();
  });

  it('is inherited by inner calls, which may replace or hide it for themselves', () => {
    const scope = new AsyncScope();
    const seen: unknown[] = [];
    const look = (): void => void seen.push([scope.get(A), scope.get(B)]);
    scope.run(A, 'outer', () => {
      scope.run(B, 'other', look);
      scope.run(A, 'inner', look);
      scope.run(A, undefined, look);
      look();
    });
    expect(seen).toEqual([
      ['outer', 'other'],
      ['inner', undefined],
      [undefined, undefined],
      ['outer', undefined],
    ]);
  });

  it('may be several things at once, each of which an inner call inherits', () => {
    const scope = new AsyncScope();
    const seen = scope.run(A, 'outer', () =>
      scope.runAll([A.to(undefined), B.to('other')], () => [scope.get(A), scope.get(B)]),
    );
    expect(seen).toEqual([undefined, 'other']);
    expect(scope.get(B)).toBeUndefined();
  });

  it('is kept apart for calls that run at the same time', async () => {
    const scope = new AsyncScope();
    const call = (name: string): Promise<unknown> =>
      scope.run(A, name, async () => {
        await sleep(name === 'first' ? 4 : 1);
        return scope.get(A);
      });
    expect(await Promise.all([call('first'), call('second')])).toEqual(['first', 'second']);
  });

  it('stays with work that outlives the call', async () => {
    const scope = new AsyncScope();
    let late: Promise<unknown> = Promise.resolve();
    scope.run(A, 'value', () => {
      late = sleep(1).then(() => scope.get(A));
    });
    expect(await late).toBe('value');
  });

  it('is another thing in another scope, and under another key of the same name', () => {
    const [scope, other] = [new AsyncScope(), new AsyncScope()];
    scope.run(A, 'value', () => {
      expect([other.get(A), scope.get(new ScopeKey<string>('a'))]).toEqual([undefined, undefined]);
    });
  });

  it('passes the result and the error of the call through', () => {
    const scope = new AsyncScope();
    expect(scope.run(A, 'value', () => 7)).toBe(7);
    const mine = new Error('mine');
    expect(() =>
      scope.run(A, 'value', () => {
        throw mine;
      }),
    ).toThrow(mine);
    expect(scope.get(A)).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { callScope } from '../../../src/base/async-scope.js';
import fc from 'fast-check';
import { VersionConflictError } from '../../../src/base/errors.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { currentAttempt, insideTransaction, withAttempt } from '../../../src/version/attempt.js';
import { type RetryOwner, retryConflicts } from '../../../src/version/conflict-retry.js';
import { resolveRetryOptions, type RetryOptions } from '../../../src/version/version.options.js';
import { observe, type Observed } from '../lock/lock-world.js';

/** The coordinator whose conflicts they are. */
/** How many owners the binding holds that {@link insideTransaction} makes. */
function bindingsInUse(): number {
  const [{ value }] = insideTransaction(owner) as unknown as [{ value: readonly object[] }];
  return value.length;
}

const owner: RetryOwner = { canUndo: true, isolate: (attempt) => attempt() };

const conflict = (...keys: string[]): VersionConflictError =>
  new VersionConflictError('changed', { details: { keys } });

/** Retries a function that always meets a conflict, on a clock of its own; notes when each run began. */
async function conflicts(options: RetryOptions, random: () => number, keys: (run: number) => string[] = () => ['a']) {
  const clock = new ManualClock();
  const startsMs: number[] = [];
  const contended: (readonly string[])[] = [];
  const running = observe(
    retryConflicts(resolveRetryOptions(options, {}), { clock, random, owner }, undefined, async () => {
      startsMs.push(clock.now());
      contended.push(currentAttempt(owner).contended);
      throw conflict(...keys(startsMs.length));
    }),
  );
  await clock.advanceAsync(3_600_000);
  return { running: running as Observed<unknown>, startsMs, contended };
}

const pauses = (startsMs: readonly number[]): number[] =>
  startsMs.slice(1).map((start, i) => start - (startsMs[i] ?? 0));

describe('the retry of version conflicts', () => {
  it('G30: pauses for a share of a doubling bound, which chance alone decides', async () => {
    const options = { attempts: 8, backoff: { initial: '10ms', max: '300ms' }, budget: '1h' } as const;
    expect(pauses((await conflicts(options, () => 1)).startsMs)).toEqual([10, 20, 40, 80, 160, 300, 300]);
    expect(pauses((await conflicts(options, () => 0.5)).startsMs)).toEqual([5, 10, 20, 40, 80, 150, 150]);
    expect(pauses((await conflicts(options, () => 0)).startsMs)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it('G30: never pauses longer than the bound, whatever chance says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (chances) => {
        const chance = (): number => chances.next().value as number;
        const { startsMs } = await conflicts({ attempts: 6, backoff: { initial: 8, max: 50 }, budget: '1h' }, chance);
        const bounds = [8, 16, 32, 50, 50];
        pauses(startsMs).forEach((pause, i) => expect(pause).toBeLessThanOrEqual((bounds[i] ?? 0) + 1e-6));
      }),
      { numRuns: 30 },
    );
  });

  it.each([1, 2, 5])('G30: runs %i times in all, and says so in the last conflict', async (attempts) => {
    const { running, startsMs } = await conflicts({ attempts }, () => 0.5);
    expect(startsMs).toHaveLength(attempts);
    expect(running.error).toBeInstanceOf(VersionConflictError);
    expect(running.error).toMatchObject({ code: 'VERSION_CONFLICT', details: { keys: ['a'] } });
    if (attempts > 1)
      expect(running.error).toMatchObject({ details: { attempts }, cause: { code: 'VERSION_CONFLICT' } });
  });

  it('G30: runs five times where nobody says otherwise', async () => {
    expect((await conflicts({}, () => 0.5)).startsMs).toHaveLength(5);
  });

  it('G30: starts no run later than the budget after the first', async () => {
    const options = { attempts: 100, backoff: { initial: '100ms', max: '100ms' }, budget: '1s' } as const;
    expect((await conflicts(options, () => 1)).startsMs.at(-1)).toBe(1_000);
    expect((await conflicts(options, () => 0.99)).startsMs.at(-1)).toBe(990);
  });

  it.each([
    new Error('other'),
    Object.assign(new Error('looks like one'), { code: 'VERSION_CONFLICT' }),
    'a string',
    undefined,
  ])('G30: passes %s through after one run', async (error) => {
    let runs = 0;
    const clock = new ManualClock();
    const running = retryConflicts(
      resolveRetryOptions({}, {}),
      { clock, random: () => 0, owner },
      undefined,
      async () => {
        runs += 1;
        // Methods of users throw anything.
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw error;
      },
    );
    await expect(running).rejects.toBe(error);
    expect(runs).toBe(1);
  });

  it('G30: shows each run its number, and 1 outside of any retry and inside a transaction of a run', async () => {
    const clock = new ManualClock();
    const numbers: [number, number][] = [];
    const running = retryConflicts(
      resolveRetryOptions({}, {}),
      { clock, random: () => 0, owner },
      undefined,
      async () => {
        const inside = callScope.runAll(insideTransaction(owner), () => currentAttempt(owner).number);
        numbers.push([currentAttempt(owner).number, inside]);
        if (numbers.length < 3) throw conflict('a');
      },
    );
    await clock.advanceAsync(10);
    await running;
    expect(numbers).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(currentAttempt(owner)).toEqual({ number: 1, contended: [] });
  });

  it('G30: names all the keys that have conflicted so far, after escalateAfter conflicts', async () => {
    const { contended } = await conflicts(
      { attempts: 5, escalateAfter: 2 },
      () => 0,
      (run) => [`k${run % 2}`, 'both'],
    );
    expect(contended).toEqual([[], [], ['k1', 'both', 'k0'], ['k1', 'both', 'k0'], ['k1', 'both', 'k0']]);
  });

  it('G30: leaves a conflict inside a transaction to that transaction’s own retry, unless it commits by itself', async () => {
    const runs = async (commitsItself: boolean): Promise<number> => {
      let count = 0;
      const options = resolveRetryOptions({ attempts: 3 }, {});
      const deps = { clock: new ManualClock(), random: () => 0, owner, commitsItself };
      const running = callScope.runAll(insideTransaction(owner), () =>
        observe(
          retryConflicts(options, deps, undefined, async () => {
            count += 1;
            throw conflict('a');
          }),
        ),
      );
      await deps.clock.advanceAsync(10);
      expect(running.state).toBe('rejected');
      return count;
    };
    expect([await runs(false), await runs(true)]).toEqual([1, 3]);
  });
});

describe('the transactions around a call', () => {
  it('are remembered once, however long each begins the next', () => {
    const begin = (depth: number): number =>
      callScope.runAll(insideTransaction(owner), () => (depth === 0 ? bindingsInUse() : begin(depth - 1)));
    expect(begin(100)).toBe(begin(1));
  });

  it('hide attempts of their own store only', () => {
    const other: RetryOwner = { canUndo: true, isolate: (attempt) => attempt() };
    withAttempt({ owner, number: 3, contended: ['a'] }, () => {
      expect([currentAttempt(owner).number, currentAttempt(other).number]).toEqual([3, 1]);
      expect(callScope.runAll(insideTransaction(other), () => currentAttempt(owner).number)).toBe(3);
      expect(callScope.runAll(insideTransaction(owner), () => currentAttempt(owner).number)).toBe(1);
    });
  });
});

describe('the options of a retry', () => {
  it('come from the call, then from the module, then from the library, one by one', () => {
    const module = { attempts: 7, backoff: { initial: '1ms', max: '2s' }, budget: '1m', escalateAfter: 9 } as const;
    expect(resolveRetryOptions({}, {})).toEqual({
      attempts: 5,
      backoff: { initialMs: 10, maxMs: 500 },
      budgetMs: 10_000,
      escalateAfter: 1,
    });
    expect(resolveRetryOptions({ attempts: 2, backoff: { max: '3s' } }, module)).toEqual({
      attempts: 2,
      backoff: { initialMs: 1, maxMs: 3_000 },
      budgetMs: 60_000,
      escalateAfter: 9,
    });
  });

  it.each<RetryOptions>([
    { attempts: 0 },
    { attempts: 101 },
    { attempts: 1.5 },
    { escalateAfter: 0 },
    { budget: -1 },
    { backoff: { initial: '2m' } },
    { backoff: { max: 'long' as '1s' } },
    { backoff: { inital: '1s' } as object },
    { backoff: '1s' as never },
  ])('%j are refused', (options) => {
    expect(() => resolveRetryOptions(options, {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => resolveRetryOptions({}, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });
});

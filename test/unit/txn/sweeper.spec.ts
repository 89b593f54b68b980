import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockService } from '../../../src/lock/lock.service.js';
import { gate } from '../../../src/testing/faults/gate.js';
import { Sweeper } from '../../../src/txn/sweeper.js';
import { type CommitProcess, CommitWorld } from '../commit/commit-world.js';
import { observe } from '../lock/lock-world.js';

const EVERY_MS = 500;

let world: CommitWorld;
let process: CommitProcess;

beforeEach(async () => {
  world = new CommitWorld();
  process = await world.process();
});

function sweeperOf(
  { store, recovery }: CommitProcess,
  reported: unknown[] = [],
  further: readonly (() => Promise<unknown>)[] = [],
): Sweeper {
  const report = (error: unknown): void => void reported.push(error);
  const common = { clock: world.clock, report };
  const locks = new LockService({ ...common, store, options: {}, random: () => 0.5 });
  return new Sweeper({ ...common, recovery, further, locks, everyMs: EVERY_MS });
}

const sweeps = (of: CommitProcess): number => of.count('overdueTransactions');

describe('a sweeper', () => {
  it('G27: sweeps once in its period, from the first one on', async () => {
    const sweeper = sweeperOf(process);
    void sweeper.start();
    await world.clock.advanceAsync(EVERY_MS - 1);
    expect(sweeps(process)).toBe(0);
    await world.clock.advanceAsync(1);
    expect(sweeps(process)).toBe(1);
    await world.clock.advanceAsync(4 * EVERY_MS);
    expect(sweeps(process)).toBe(5);
    await sweeper.stop();
  });

  it('G45: looks at once at what else there is, and lets the application start when it has, or after a second', async () => {
    let looks = 0;
    const quick = sweeperOf(process, [], [async () => (looks += 1)]);
    const started = observe(quick.start());
    await world.clock.advanceAsync(0);
    expect([started.state, looks]).toEqual(['fulfilled', 1]);
    await world.clock.advanceAsync(EVERY_MS);
    expect(looks).toBe(2);
    await quick.stop();

    await world.clock.advanceAsync(10 * EVERY_MS);
    const door = gate();
    const slow = sweeperOf(process, [], [() => door.before(async () => undefined)]);
    const starting = observe(slow.start());
    await world.clock.advanceAsync(999);
    expect(starting.state).toBe('pending');
    await world.clock.advanceAsync(1);
    expect(starting.state).toBe('fulfilled');
    door.open();
    await slow.stop();
  });

  it('G27: of many processes sweeps about as often as one', async () => {
    const others = [process, await world.process(), await world.process()];
    const sweepers = others.map((each) => sweeperOf(each));
    for (const sweeper of sweepers) void sweeper.start();
    await world.clock.advanceAsync(10 * EVERY_MS);
    expect(others.reduce((sum, each) => sum + sweeps(each), 0)).toBe(10);
    for (const sweeper of sweepers) await sweeper.stop();
  });

  it('G13: that is stopped has no timer left, and never sweeps again', async () => {
    const sweeper = sweeperOf(process);
    void sweeper.start();
    await world.clock.advanceAsync(EVERY_MS);
    await sweeper.stop();
    expect(world.clock.pendingTimers).toBe(0);
    await world.clock.advanceAsync(10 * EVERY_MS);
    expect(sweeps(process)).toBe(1);
  });

  it('G13: that is stopped in the middle of a sweep ends with it, its lock released', async () => {
    const stuck = gate();
    process.store.next('overdueTransactions', stuck.before);
    const sweeper = sweeperOf(process);
    void sweeper.start();
    await world.clock.advanceAsync(EVERY_MS);
    const stopping = observe(sweeper.stop());
    await world.clock.advanceAsync(100);
    expect(stopping.state).toBe('pending');
    stuck.open();
    await world.clock.advanceAsync(0);
    expect([stopping.state, process.count('releaseLocks')]).toEqual(['fulfilled', 1]);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('G40: says nothing of a store that is away, reports a bug once for each sweep, and goes on', async () => {
    const reported: unknown[] = [];
    const sweeper = sweeperOf(process, reported);
    void sweeper.start();
    const bug = new TypeError('bug');
    process.store.next('overdueTransactions', 'refuse', 'drop-before', () => Promise.reject(bug));
    await world.clock.advanceAsync(2 * EVERY_MS);
    expect([sweeps(process), reported]).toEqual([2, []]);
    await world.clock.advanceAsync(2 * EVERY_MS);
    expect([sweeps(process), reported]).toEqual([4, [bug]]);
    await sweeper.stop();
  });
});

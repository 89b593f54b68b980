import { describe, expect, it } from '@jest/globals';
import { sleep } from '../../../src/base/clock.js';
import { CacheTxnError, StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import type { Lock } from '../../../src/lock/lock.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import type { Fault } from '../../support/stores/scripted-store.js';
import { type LockProcess, LockWorld } from './lock-world.js';

/** Seeds 1 to this many; `LOCK_HISTORIES=5000` hunts further. */
const HISTORIES = Number(process.env['LOCK_HISTORIES'] ?? 40);
const NAMES = ['0:a', '0:b', '1:c', '1:d'];
const ROUNDS = 6;
const ACTORS = 3;
const LONGEST_LEASE_MS = 2_000;

/** Sees every lock that anybody believes to hold, and what must never be. */
class Witness {
  private readonly believed = new Map<string, Lock>();
  private readonly fences = new Map<string, number>();
  acquired = 0;
  readonly violations: string[] = [];

  takes(lock: Lock): void {
    this.acquired += 1;
    for (const name of lock.names) {
      const rival = this.believed.get(name);
      if (rival && !rival.signal.aborted)
        this.violations.push(`${name} has two holders: ${rival.fence}, ${lock.fence}`);
      if (lock.signal.aborted) this.violations.push(`${name} was handed out with its signal fired`);
      const last = this.fences.get(name) ?? 0;
      if (lock.fence <= last) this.violations.push(`the fence of ${name} fell from ${last} to ${lock.fence}`);
      this.believed.set(name, lock);
      this.fences.set(name, lock.fence);
    }
  }

  gives(lock: Lock): void {
    for (const name of lock.names) if (this.believed.get(name) === lock) this.believed.delete(name);
  }
}

class History {
  readonly world: LockWorld;
  readonly witness = new Witness();
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const skewMs = this.upTo(4_000) - 2_000;
    this.world = new LockWorld({ slotsAheadMs: [0, skewMs], random: this.random });
  }

  async process(): Promise<LockProcess> {
    const made = await this.world.process();
    for (const operation of ['acquireLocks', 'renewLocks', 'releaseLocks'] as const) {
      made.store.always(operation, (run) => this.fault()(run));
    }
    const { clock } = this.world;
    made.store.carry = (deliver) => {
      if (this.chance(0.85)) clock.after(this.upTo(this.chance(0.1) ? 3_000 : 30), deliver);
      if (this.chance(0.1)) clock.after(this.upTo(4_000), deliver);
      if (this.chance(0.05)) clock.after(this.upTo(50), () => made.store.gap());
    };
    return made;
  }

  /** One caller after another in one process: takes some names, works, gives them back, or leaves early. */
  async actor({ locks }: LockProcess): Promise<void> {
    const { clock } = this.world;
    for (let round = 0; round < ROUNDS; round += 1) {
      await sleep(clock, this.upTo(300));
      const names = NAMES.filter(() => this.chance(0.4));
      if (names.length === 0) names.push('0:a');
      const caller = new AbortController();
      const leaving = this.chance(0.2)
        ? clock.after(this.upTo(1_500), () => caller.abort(new Error('left')))
        : undefined;
      const lease = 100 + this.upTo(LONGEST_LEASE_MS - 100);
      const wish = { lease, wait: this.upTo(3_000), maxHold: 100 + this.upTo(4_000), renew: this.chance(0.8) };
      try {
        const lock = await locks.acquire(this.chance(0.5) ? names.reverse() : names, {
          ...wish,
          signal: caller.signal,
        });
        this.witness.takes(lock);
        await sleep(clock, this.upTo(600));
        this.witness.gives(lock);
        await lock.release();
      } catch (error) {
        if (!(error instanceof CacheTxnError) && error !== caller.signal.reason) throw error;
      } finally {
        leaving?.cancel();
      }
    }
  }

  private fault(): Fault {
    const { clock } = this.world;
    const there = this.upTo(this.chance(0.1) ? 400 : 10);
    const back = this.upTo(this.chance(0.1) ? 800 : 10);
    const kind = this.random();
    return async (run) => {
      await sleep(clock, there);
      if (kind < 0.06) throw new StoreUnavailableError('no connection');
      if (kind < 0.12) {
        // Nobody hears, and the server does it when everybody has given up.
        clock.after(back * 3, () => void run().catch(() => undefined));
        throw new StoreTimeoutError('whether it ran is unknown');
      }
      const answer = await run();
      await sleep(clock, back);
      if (kind < 0.2) throw new StoreTimeoutError('the reply was lost');
      return answer;
    };
  }

  private chance(probability: number): boolean {
    return this.random() < probability;
  }

  private upTo(limit: number): number {
    return Math.floor(this.random() * limit);
  }
}

describe('G1, G2, G7, G11: in a random history of lost, late and repeated messages', () => {
  it.each(Array.from({ length: HISTORIES }, (_, i) => i + 1))('nobody shares a lock (seed %i)', async (seed) => {
    const history = new History(seed);
    const { world, witness } = history;
    const processes = [await history.process(), await history.process(), await history.process()];
    let running = 0;
    const failures: unknown[] = [];
    for (const process of processes) {
      for (let i = 0; i < ACTORS; i += 1) {
        running += 1;
        history
          .actor(process)
          .catch((error: unknown) => failures.push(error))
          .finally(() => (running -= 1));
      }
    }
    for (let passed = 0; running > 0 && passed < 200_000; passed += 500) await world.elapse(500);
    expect([running, failures, witness.violations]).toEqual([0, [], []]);
    expect(witness.acquired).toBeGreaterThan(10);

    // What a late request took for a caller who had left ends with its lease; after that nothing is left of anybody.
    await world.elapse(LONGEST_LEASE_MS + 10_000);
    expect(world.clock.pendingTimers).toBe(0);
    const { locks } = await world.process();
    witness.takes((await locks.tryAcquire(NAMES))!);
    expect(witness.violations).toEqual([]);
  });
});

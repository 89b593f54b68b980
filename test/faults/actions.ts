import type { Lock } from 'nestjs-cache-txn';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FencedRegister } from '../support/history/fenced-register.js';
import type { Outcome } from '../support/history/event.js';
import { machineMs, type Recorder } from '../support/history/recorder.js';
import { counted, TIMES, type FaultClient, type Tally } from './client.js';
import { between, pick } from './seed.js';

/** What a workload works on. */
export const SUBJECTS = {
  lock: 'seat',
  ledger: 'ledger',
  plate: 'plate',
  counter: 'counter',
  pair: 'pair',
  versioned: 'versioned',
} as const;

/** What a busy machine may add to a deadline. */
const SLACK_MS = 1_500;
/** A commit whose answer was lost is asked for, at most this long after its deadline (G21). */
const ASKING_MS = 2_000;
/** A transaction: until its timeout, then a commit that is on its way, and asking for it. */
const TXN_MS = TIMES.txn + ASKING_MS + 2 * TIMES.command;
/** Waiting, asking at the last moment, and giving back. */
const LOCK_MS = TIMES.wait + 2 * TIMES.command;

/** What a holder saw that went on after a long stop, and whether the register took what it then wrote. */
export interface LateLook {
  readonly isSignalled: boolean;
  readonly isHeld: boolean;
  readonly isAccepted: boolean;
}

/** What a holder has to see, and the register to do, when the lock was lost meanwhile. */
export const TOO_LATE: LateLook = { isSignalled: true, isHeld: false, isAccepted: false };

/** One caller's view of a fault test: what it does goes into the history. */
export class Actor {
  constructor(
    private readonly client: FaultClient,
    private readonly recorder: Recorder,
    private readonly register: FencedRegister,
    private readonly random: () => number,
  ) {}

  /** Takes the lock, and writes under it to the register outside, and to the plate and the ledger in the cache. */
  async lockedWrite(extraMs = 0): Promise<Outcome> {
    const withinMs = LOCK_MS + 2 * TXN_MS + 2 * TIMES.command + SLACK_MS + extraMs;
    return this.recorder.call(`increment ${SUBJECTS.ledger}`, withinMs, (op) =>
      this.random() < 0.5 ? this.byHand(op) : this.around(op),
    );
  }

  /** Adds one in a transaction that is run again on conflicts. */
  async increment(): Promise<Outcome> {
    const withinMs = TIMES.retryBudget + TXN_MS + SLACK_MS;
    return this.recorder.call(`increment ${SUBJECTS.counter}`, withinMs, (op) =>
      this.client.counter.increment(SUBJECTS.counter, op),
    );
  }

  /** Writes both halves of a pair: as a transaction, or as one write. */
  async writePair(): Promise<Outcome> {
    return this.recorder.call('write pair', TXN_MS + SLACK_MS, async (op) => {
      const halves = { [`${SUBJECTS.pair}:left`]: op, [`${SUBJECTS.pair}:right`]: op };
      const { cache, coordinator } = this.client;
      if (this.random() < 0.5) return cache.setMany(halves);
      return coordinator.run(async () => {
        for (const [key, value] of Object.entries(halves)) await cache.set(key, value);
      });
    });
  }

  /** Reads both halves, one after the other, in a transaction: only one that commits has seen one moment. */
  async readPair(): Promise<Outcome> {
    const { cache, coordinator } = this.client;
    return this.recorder.call('read pair', TIMES.retryBudget + TXN_MS + SLACK_MS, async () => {
      const seen = await coordinator.runWithRetry({ readOnly: true }, async () => {
        const left = await cache.getEntry<string>(`${SUBJECTS.pair}:left`);
        const right = await cache.get<string>(`${SUBJECTS.pair}:right`);
        return { left: left?.value ?? null, right: right ?? null, ...(left && { version: left.version }) };
      });
      this.recorder.record({ kind: 'pair-read', pair: SUBJECTS.pair, ...seen });
    });
  }

  /** Learns a version: by asking, or by making a new one. */
  async version(): Promise<Outcome> {
    const { versions } = this.client;
    return this.recorder.call('version', 2 * TXN_MS + SLACK_MS, async (op) => {
      const key = SUBJECTS.versioned;
      const how = pick(this.random, ['current', 'bump', 'compareAndSet'] as const);
      let askedAtMs = machineMs();
      let version = how === 'bump' ? await versions.bump(key) : await versions.current(key);
      if (how === 'compareAndSet') {
        const expected = version;
        askedAtMs = machineMs();
        version = await versions.compareAndSet(key, expected, op);
      }
      this.recorder.record({ kind: 'version-seen', key, version, askedAtMs });
    });
  }

  /**
   * Takes the lock, lets `meanwhile` stop it for as long as it likes, and then goes on as if nothing had happened. The
   * lock is not released: it has ended, or the test is wrong.
   */
  async lateWrite(meanwhile: () => void | Promise<void>, withinMs: number): Promise<LateLook> {
    const { locks, coordinator } = this.client;
    let look: LateLook | undefined;
    await this.recorder.call(`increment ${SUBJECTS.ledger}`, withinMs, (op) => {
      const askedAtMs = machineMs();
      return locks.withLock(SUBJECTS.lock, async (lock) => {
        const hold = this.watch(lock, askedAtMs);
        await coordinator.run({ timeout: withinMs }, async () => {
          // Without having read: only the lock stands in its way.
          await this.engrave(op, lock);
          const paused = meanwhile();
          if (paused) await paused;
          // The first thing that runs when the holder goes on, before any timer had a chance.
          const isSignalled = lock.signal.aborted;
          look = { isSignalled, isHeld: lock.isHeld(), isAccepted: await this.register.write(lock.fence, op) };
        });
        this.recorder.record({ kind: 'releasing', hold });
      });
    });
    if (look === undefined) throw new Error('the late holder never had the lock');
    return look;
  }

  private async byHand(op: string): Promise<void> {
    const { locks, coordinator } = this.client;
    const askedAtMs = machineMs();
    const lock = await locks.acquire(SUBJECTS.lock);
    const hold = this.watch(lock, askedAtMs);
    try {
      await this.readPlate();
      await this.think();
      await this.register.write(lock.fence, op);
      await coordinator.run({ locks: [lock] }, () => this.engrave(op, lock));
      await this.readPlate();
      await coordinator.run({ locks: [lock] }, () => this.enter(op, lock));
    } finally {
      this.recorder.record({ kind: 'releasing', hold });
      this.recorder.record({ kind: 'released', hold, answer: await lock.release() });
    }
  }

  private async around(op: string): Promise<void> {
    const { locks, coordinator } = this.client;
    const askedAtMs = machineMs();
    await locks.withLock(SUBJECTS.lock, async (lock) => {
      const hold = this.watch(lock, askedAtMs);
      try {
        await this.readPlate();
        await this.think();
        await this.register.write(lock.fence, op);
        await this.engrave(op, lock);
        await this.readPlate();
        await coordinator.run(() => this.enter(op, lock));
      } finally {
        this.recorder.record({ kind: 'releasing', hold });
      }
    });
  }

  /** Writes down what the holder believes from now on. */
  watch(lock: Lock, askedAtMs: number): string {
    const hold = this.recorder.newId();
    this.recorder.record({ kind: 'granted', hold, name: SUBJECTS.lock, fence: lock.fence, askedAtMs });
    lock.signal.addEventListener('abort', () => this.recorder.record({ kind: 'signalled', hold }), { once: true });
    return hold;
  }

  /** A plain read, then a write: only the lock makes it safe. */
  async enter(op: string, lock: Lock): Promise<void> {
    const { cache } = this.client;
    const ledger = await cache.get<Tally>(SUBJECTS.ledger);
    await cache.set(SUBJECTS.ledger, counted(ledger, { op, fence: lock.fence }));
  }

  /** Writes without having read: no version stands in the way of a late holder, only the lock does. */
  private engrave(op: string, { fence }: Lock): Promise<void> {
    return this.client.cache.set(SUBJECTS.plate, { op, fence });
  }

  /** What the plate says, in the order of its versions: the fences on it never go back. */
  private async readPlate(): Promise<void> {
    const entry = await this.client.cache.getEntry<{ op: string; fence: number }>(SUBJECTS.plate);
    if (entry === undefined) return;
    const { value, version: seq } = entry;
    this.recorder.record({ kind: 'guarded-write', resource: SUBJECTS.plate, seq, ...value, isAccepted: true });
  }

  /** Mostly brief; now and then long enough that others would take over, had the lock ended. */
  private async think(): Promise<void> {
    const ms = this.random() < 0.9 ? between(this.random, 0, 6) : between(this.random, 100, 400);
    if (ms > 0) await sleep(ms);
  }
}

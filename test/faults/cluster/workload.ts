import { setTimeout as sleep } from 'node:timers/promises';

import type { Lock } from '../../../src/lock/lock.js';
import { machineMs, type Recorder } from '../../support/history/recorder.js';
import { GuardedResource } from './guarded-resource.js';
import type { Member } from './member.js';

/** Far more than a busy machine adds to a deadline. */
const SLACK_MS = 2_000;
const WAIT_MS = 1_000;
const TXN_MS = 1_000;
/** A commit without an answer is asked for this long (G21). */
const ASKING_MS = 2_000;
/** A round that never ends would hide a fault: nothing here takes as many steps. */
const MAX_STEPS = 20_000;

export interface WorkloadOptions {
  readonly recorder: Recorder;
  /** The hash tag of everything, and thereby the slot. */
  readonly tag: string;
  readonly commandTimeoutMs: number;
  readonly leaseMs: number;
  readonly random: () => number;
}

/** What a counter holds: how many, and which increments. */
export interface Counter {
  readonly count: number;
  readonly ops: readonly string[];
}

const EMPTY: Counter = { count: 0, ops: [] };

/**
 * Members that take one lock in turns, write under it to a guarded resource and, in one transaction, to a counter and to
 * both halves of a pair, while each of them also reads the pair. All of it goes into the history.
 */
export class Workload {
  readonly resource: GuardedResource;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>[] = [];

  constructor(
    private readonly members: readonly Member[],
    private readonly options: WorkloadOptions,
  ) {
    this.resource = new GuardedResource(`row of ${options.tag}`, options.recorder.as('resource'));
  }

  get lockName(): string {
    return `{${this.options.tag}}:lock`;
  }

  start(): this {
    for (const member of this.members) {
      const recorder = this.options.recorder.as(`${this.options.tag}/${member.name}`);
      this.running.push(this.write(member, recorder), this.read(member, recorder.as(`${recorder.actor}/reader`)));
    }
    return this;
  }

  /** Lets the calls that are on their way settle. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  /** What is in the counter now. */
  async counter(member: Member): Promise<Counter> {
    return (await member.cache.get<Counter>(this.key('counter'))) ?? EMPTY;
  }

  private async write(member: Member, recorder: Recorder): Promise<void> {
    const { commandTimeoutMs, leaseMs, random } = this.options;
    for (let step = 0; step < MAX_STEPS && !this.stopping.signal.aborted; step += 1) {
      const askedAtMs = machineMs();
      let lock: Lock | undefined;
      let hold = '';
      const outcome = await recorder.call('acquire', WAIT_MS + 2 * commandTimeoutMs + SLACK_MS, async (op) => {
        hold = op;
        lock = await member.locks.acquire(this.lockName, { lease: leaseMs, wait: WAIT_MS });
      });
      if (lock) await this.hold(member, recorder, lock, hold, askedAtMs);
      if (outcome !== 'ok') await sleep(random() * 20);
    }
  }

  private async hold(
    { cache, coordinator }: Member,
    recorder: Recorder,
    lock: Lock,
    hold: string,
    askedAtMs: number,
  ): Promise<void> {
    const { commandTimeoutMs, random, tag } = this.options;
    recorder.record({ kind: 'granted', hold, name: this.lockName, fence: lock.fence, askedAtMs });
    lock.signal.addEventListener('abort', () => recorder.record({ kind: 'signalled', hold }), { once: true });
    await recorder.call(`increment ${tag}`, TXN_MS + ASKING_MS + 3 * commandTimeoutMs + SLACK_MS, (op) =>
      coordinator.run({ locks: [lock], timeout: TXN_MS }, async () => {
        const { count, ops } = (await cache.get<Counter>(this.key('counter'))) ?? EMPTY;
        await cache.set(this.key('counter'), { count: count + 1, ops: [...ops, op] });
        await cache.setMany({ [this.key('left')]: op, [this.key('right')]: op });
      }),
    );
    // A holder that does not look at its signal: the fence alone has to stop it.
    this.resource.write(lock.fence, hold);
    await sleep(random() * 4);
    recorder.record({ kind: 'releasing', hold });
    await recorder.call('release', 2 * commandTimeoutMs + SLACK_MS, async () => {
      recorder.record({ kind: 'released', hold, answer: await lock.release() });
    });
  }

  private async read(member: Member, recorder: Recorder): Promise<void> {
    const { commandTimeoutMs, random } = this.options;
    const [left, right] = [this.key('left'), this.key('right')];
    for (let step = 0; step < MAX_STEPS && !this.stopping.signal.aborted; step += 1) {
      const askedAtMs = machineMs();
      await recorder.call('read', TXN_MS + 2 * commandTimeoutMs + SLACK_MS, async () => {
        const pair = await member.coordinator.run({ readOnly: true, timeout: TXN_MS }, async () => {
          return { left: await member.cache.getEntry<string>(left), right: await member.cache.getEntry<string>(right) };
        });
        const version = pair.left?.version ?? 0;
        recorder.record({
          kind: 'pair-read',
          pair: this.options.tag,
          left: pair.left?.value ?? null,
          right: pair.right?.value ?? null,
        });
        recorder.record({ kind: 'version-seen', key: left, version, askedAtMs });
      });
      await sleep(2 + random() * 10);
    }
  }

  private key(name: string): string {
    return `{${this.options.tag}}:${name}`;
  }
}

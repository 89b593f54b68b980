import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { FencedRegister } from '../support/history/fenced-register.js';
import type { Outcome } from '../support/history/event.js';
import type { Recorder } from '../support/history/recorder.js';
import { Actor } from './actions.js';
import type { FaultClient } from './client.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { pick } from './seed.js';

/** What a caller of a workload does over and over. */
export const ACTIONS = ['lockedWrite', 'increment', 'writePair', 'readPair', 'version'] as const;

export type Action = (typeof ACTIONS)[number];

export interface WorkloadOptions {
  readonly registerPort: number;
  readonly seed: number;
  /** Default: all. */
  readonly actions?: readonly Action[];
  /** Callers at once. Default 3. */
  readonly callers?: number;
  /** Added to every deadline of a locked write. Default 0. */
  readonly extraMs?: number;
}

/** Between two calls of a caller: an outage must not become a tight loop of refusals. */
const PAUSE_MS = 8;
/** A bound for a caller that nobody stops; a history of more would not tell more. */
const MAX_CALLS = 2_000;

/** Callers in one application that work until they are told to stop. */
export class Workload {
  private readonly register: FencedRegister;
  private readonly callers: Promise<void>[];
  private isStopping = false;

  constructor(
    private readonly client: FaultClient,
    private readonly recorder: Recorder,
    private readonly options: WorkloadOptions,
  ) {
    const { registerPort, seed, callers = 3 } = options;
    this.register = new FencedRegister(registerPort, 'register');
    this.callers = Array.from({ length: callers }, (_, i) => this.work(i, seededRandom(seed + i)));
  }

  /** Waits until every action has succeeded once more: whatever happened is over. */
  async heals(withinMs = 15_000): Promise<void> {
    const outcomes = new Map<Action, Outcome>();
    const actor = this.caller('healing');
    for (const action of this.options.actions ?? ACTIONS) {
      await eventually(
        async () => {
          outcomes.set(action, await actor[action](this.options.extraMs));
          return outcomes.get(action) === 'ok';
        },
        { what: `${action} to succeed after the fault`, withinMs, everyMs: 25 },
      );
    }
  }

  /** A caller of its own, for what the others do not do. */
  caller(name: string): Actor {
    const recorder = this.recorder.as(`${this.recorder.actor}/${name}`);
    return new Actor(this.client, recorder, this.register, () => 0.4);
  }

  /** Lets every call settle, also those that take their time. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.callers);
    this.register.close();
  }

  private async work(number: number, random: () => number): Promise<void> {
    const { actions = ACTIONS, extraMs = 0 } = this.options;
    const recorder = this.recorder.as(`${this.recorder.actor}/${number}`);
    const actor = new Actor(this.client, recorder, this.register, random);
    for (let calls = 0; calls < MAX_CALLS && !this.isStopping; calls += 1) {
      await actor[pick(random, actions)](extraMs);
      await sleep(PAUSE_MS);
    }
  }
}

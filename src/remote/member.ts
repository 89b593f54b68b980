import { followSignals, sharedAbortController } from '../base/abort.js';
import { sleep } from '../base/clock.js';
import { ShuttingDownError, StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import { newId } from '../base/random.js';
import type { Unsubscribe } from '../store/store.js';
import { Gate } from './gate.js';
import { Membership, type MembershipDependencies } from './membership.js';
import { SerialWork } from './serial-work.js';

/** Before another membership is tried; longer each time one ended before the provider had joined. */
const AGAIN = { leastMs: 250, mostMs: 5_000 };

/** Keeps a provider among the participants of its name: one membership after the other, until the application closes. */
export class Member {
  private readonly gate: Gate;
  private readonly work = new SerialWork();
  private readonly stopping = sharedAbortController();
  private membership: Membership | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly deps: Omit<MembershipDependencies, 'work' | 'changed'>) {
    this.gate = new Gate(deps.clock, `participant ${deps.name}`, () => this.isCurrent);
  }

  get isCurrent(): boolean {
    return this.membership?.isCurrent === true;
  }

  start(): void {
    this.running = this.run();
  }

  async whenCurrent(waitMs: number, signal?: AbortSignal): Promise<void> {
    if (this.isCurrent) return;
    const ending = followSignals([this.stopping.signal, ...(signal ? [signal] : [])]);
    try {
      await this.gate.pass(waitMs, ending.signal);
    } finally {
      ending.stop();
    }
  }

  /** Leaves, so that nobody waits for this node. Resolves when the provider works no more. */
  async stop(): Promise<void> {
    this.stopping.abort(new ShuttingDownError(`the application is closing; participant ${this.deps.name} has left`));
    this.membership?.leave();
    await this.running;
    await this.work.idle;
  }

  private async run(): Promise<void> {
    const watched = await this.watch();
    const watching = watched === undefined ? this.watchLater() : Promise.resolve(watched);
    let former: string | undefined;
    let pauseMs = AGAIN.leastMs;
    while (!this.stopping.signal.aborted) {
      const changed = (): void => {
        this.gate.changed();
      };
      const membership = new Membership({ ...this.deps, work: this.work, changed }, newId(), former);
      this.membership = membership;
      await membership.run();
      await membership.over.promise;
      former = membership.node;
      await this.pause(pauseMs);
      pauseMs = membership.hasJoined ? AGAIN.leastMs : Math.min(2 * pauseMs, AGAIN.mostMs);
    }
    (await watching)?.();
    if (former === undefined) return;
    await this.deps.store.leaveMembers(this.deps.name, former).catch(() => undefined);
  }

  /** Without it everything is seen all the same, by looking. */
  private async watch(): Promise<Unsubscribe | undefined> {
    const { name, report, store } = this.deps;
    try {
      return await store.watchRolls(name, (hint) => this.membership?.hear(hint));
    } catch (error) {
      const isAway = error instanceof StoreUnavailableError || error instanceof StoreTimeoutError;
      if (!isAway) report(error, { during: `subscription of participant ${name}` });
      return undefined;
    }
  }

  /** Tries again until it is heard, and looks what was said before. */
  private async watchLater(): Promise<Unsubscribe | undefined> {
    let pauseMs = AGAIN.leastMs;
    for (;;) {
      await this.pause(pauseMs);
      if (this.stopping.signal.aborted) return undefined;
      const unwatch = await this.watch();
      if (unwatch !== undefined) {
        this.membership?.hear({ kind: 'look' });
        return unwatch;
      }
      pauseMs = Math.min(2 * pauseMs, AGAIN.mostMs);
    }
  }

  private async pause(ms: number): Promise<void> {
    await sleep(this.deps.clock, ms, this.stopping.signal).catch(() => undefined);
  }
}

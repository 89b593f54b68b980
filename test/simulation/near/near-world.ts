import type { Clock } from '../../../src/base/clock.js';
import { tagKey } from '../../../src/cache/tags/tags.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { EntryChange } from '../../../src/store/entry-changes.js';
import type { FillRequest } from '../../../src/store/fill-operations.js';
import type { PrepareOutcome, PrepareRequest } from '../../../src/store/intent-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import type { DisturbedCall, StoreOperation } from '../../../src/testing/faults/fault.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import { Dice } from '../engine/dice.js';
import { Scheduler } from '../engine/scheduler.js';
import type { NearMutation } from './near-mutants.js';
import { nearProcess, type NearProcess } from './near-process.js';
import { COUNTER, type NearProfile, PAIR, PLAIN, profileOf, TAG, TAGGED } from './near-profile.js';
import type { Load } from './loads.js';
import { NAMESPACE, numberIn, START_MS, Truth } from './truth.js';

/** They change nothing. */
const READS: ReadonlySet<StoreOperation> = new Set(['readEntries', 'leaseFill']);

/** One request in as many takes much longer than others. */
const SPIKE_RATE = 0.08;

/** Processes with near caches, one store, and the network between them, on virtual time. */
export class NearWorld {
  readonly scheduler = new Scheduler();
  readonly clock: Clock = {
    now: () => this.scheduler.nowMs,
    after: (delayMs, fn) => this.scheduler.after(delayMs, fn),
  };
  readonly dice: Dice;
  readonly profile: NearProfile;
  readonly truth: Truth;
  readonly problems: string[] = [];
  readonly processes: NearProcess[] = [];
  readonly loads = new Map<number, Load>();
  private readonly backend: MemoryBackend;
  /** Says where keys are. */
  private readonly layout: CacheTxnStore;
  private written = 0;

  constructor(
    seed: number,
    private readonly mutation: NearMutation,
  ) {
    this.profile = profileOf(new Dice(seed, 0));
    this.dice = new Dice(seed, 1);
    const timeUs = (): number => Math.round((START_MS + this.scheduler.nowMs) * 1_000);
    this.backend = new MemoryBackend({ timeUs, slots: this.profile.slots });
    this.layout = memoryStore({ backend: this.backend });
    const keys = [...PLAIN, ...TAGGED, ...PAIR, COUNTER, tagKey(TAG)];
    this.truth = new Truth(this.backend, (key) => this.layout.slotOf('entry', key), this.scheduler, keys);
  }

  async start(): Promise<void> {
    const context = { namespace: NAMESPACE, report: () => undefined, warn: () => undefined };
    await this.layout.start({ ...context, processLabel: 'truth' });
    for (const [i, options] of this.profile.near.entries()) {
      const { Store = FaultInjectingStore } = this.mutation;
      const store = new Store(memoryStore({ backend: this.backend }), { clock: this.clock, seed: i });
      const name = `p${i}`;
      await store.start({ ...context, processLabel: name });
      const member = await nearProcess(this, store, name, options, this.mutation);
      store.always('*', (run, call) => this.carry(run, call));
      // Who waits for a load then asks by itself: reads take longer, and more happens meanwhile.
      store.always('hint', 'drop-before');
      store.always('change', async (run, call) => {
        this.spread(member, run, call.request as EntryChange);
      });
      this.processes.push(member);
    }
  }

  /** A number that nobody has written yet. */
  nextNumber(): number {
    return (this.written += 1);
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.scheduler.after(ms, resolve));
  }

  /** A request goes to its server, and the answer comes back. */
  private async carry(run: () => Promise<unknown>, { operation, request }: DisturbedCall): Promise<unknown> {
    await this.pass(this.travelMs());
    if (operation === 'fill') this.noteFill(request as FillRequest);
    const answer = await run();
    if (operation === 'prepare') {
      const { txnId, operations } = request as PrepareRequest;
      const outcome = answer as PrepareOutcome;
      if (outcome.kind === 'prepared') this.truth.notePrepared(txnId, operations, outcome.versions);
    }
    if (!READS.has(operation)) this.truth.observe();
    await this.pass(this.travelMs());
    return answer;
  }

  private noteFill({ value }: FillRequest): void {
    const load = value === undefined ? undefined : this.loads.get(numberIn(value) ?? 0);
    if (load) load.untilMs = this.scheduler.nowMs;
  }

  /** A message of the bus: lost, late, or repeated. */
  private spread(to: NearProcess, run: () => Promise<unknown>, change: EntryChange): void {
    const { busMs, lossRate, repeatRate } = this.profile;
    if (to.isCut || this.dice.chance(lossRate)) return;
    const sentMs = this.scheduler.nowMs;
    const deliver = (): void => {
      void run();
      to.horizon.hear(change, sentMs);
    };
    this.scheduler.after(this.dice.real(0, busMs), deliver);
    if (this.dice.chance(repeatRate)) this.scheduler.after(this.dice.real(0, 3 * busMs), deliver);
  }

  private travelMs(): number {
    const { latencyMs, spikeMs } = this.profile;
    return this.dice.real(0, this.dice.chance(SPIKE_RATE) ? spikeMs : latencyMs);
  }
}

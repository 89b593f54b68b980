import type { ErrorOrigin } from '../../../src/base/error-sink.js';
import { StoreUnavailableError } from '../../../src/base/errors.js';
import { TransactionalCache } from '../../../src/cache/transactional-cache.js';
import { DatabaseArbiter } from '../../../src/commit/deciders/database-arbiter.js';
import { Recovery } from '../../../src/commit/recovery/recovery.js';
import { LockService } from '../../../src/lock/lock.service.js';
import { MemoryBackend } from '../../../src/memory/memory-backend.js';
import { memoryStore } from '../../../src/memory/memory-store.js';
import type { RemoteParticipant, RemoteTransaction } from '../../../src/remote/remote-participant.js';
import { RemoteParticipants } from '../../../src/remote/remote-participants.js';
import { CommitLog } from '../../../src/testing/commit-log.js';
import { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';
import type { StoreOperation } from '../../../src/testing/faults/fault.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import { TransactionCoordinator } from '../../../src/txn/transaction-coordinator.js';
import { type Fault, gate } from '../../support/stores/scripted-store.js';
import { observe } from '../lock/lock-world.js';

export const LEASE_MS = 3_000;
export const NAME = 'pricing';
/** The entry that a node loads when it joins. */
export const PRICES = 'prices';

/** What a node may do instead of its part. */
export interface Manners {
  prepare?: (txn: RemoteTransaction) => void | Promise<void>;
  commit?: (txn: RemoteTransaction) => void | Promise<void>;
  join?: () => void | Promise<void>;
}

/** A price list in the memory of one node. */
export class PriceList implements RemoteParticipant {
  list: unknown;
  readonly calls: string[] = [];

  constructor(
    private readonly cache: TransactionalCache,
    readonly manners: Manners = {},
  ) {}

  async prepare(txn: RemoteTransaction): Promise<void> {
    this.calls.push(`prepare ${String(txn.payload)}`);
    await this.manners.prepare?.(txn);
  }

  async commit(txn: RemoteTransaction): Promise<void> {
    this.calls.push(`commit ${String(txn.payload)}`);
    await this.manners.commit?.(txn);
    this.list = txn.payload;
  }

  abort(txn: RemoteTransaction): void {
    this.calls.push(`abort ${String(txn.payload)}`);
  }

  async join(): Promise<void> {
    this.calls.push('join');
    await this.manners.join?.();
    this.list = await this.cache.get(PRICES);
  }

  leave(): void {
    this.calls.push('leave');
    this.list = undefined;
  }
}

/** One application process. */
export interface Node {
  readonly store: FaultInjectingStore;
  readonly coordinator: TransactionCoordinator;
  readonly cache: TransactionalCache;
  readonly remote: RemoteParticipants;
  readonly prices: PriceList;
  readonly recovery: Recovery;
  readonly reported: { readonly error: unknown; readonly origin: ErrorOrigin }[];
  /** Nothing that it sends arrives, and nothing reaches it, from now on. */
  die(): void;
  /** Its own clock runs ahead of its timers, as after SIGSTOP. */
  block(ms: number): void;
  /** Replaces the list on all nodes, in a transaction of this one. */
  switchTo(list: string, timeout?: number): Promise<void>;
  /** What a reader of this node is shown; 'waits' when it is not shown anything at this moment. */
  shown(): unknown;
}

export interface NodeOptions {
  readonly manners?: Manners;
  readonly leaseMs?: number;
  /** Only owns transactions. */
  readonly isBare?: boolean;
  /** Its subscriptions are refused. */
  readonly isDeaf?: boolean;
  /** What becomes of its entering. */
  readonly entering?: Fault;
}

/** Nodes that share one server, all on one clock that moves only when the test says so. */
export class RemoteWorld {
  readonly clock = new ManualClock();
  readonly backend = new MemoryBackend({ timeUs: this.clock.timeUs });
  /** What was committed, by whichever node. */
  readonly commits = new CommitLog();
  readonly nodes: Node[] = [];
  private made = 0;

  constructor(private readonly seed = 1) {}

  async node(options: NodeOptions = {}): Promise<Node> {
    const { manners = {}, leaseMs = LEASE_MS, isBare = false, isDeaf = false, entering } = options;
    let blockedMs = 0;
    const own = {
      now: () => this.clock.now() + blockedMs,
      after: (delayMs: number, fn: () => void) => this.clock.after(delayMs, fn),
    };
    const store = new FaultInjectingStore(memoryStore({ backend: this.backend }), {
      clock: this.clock,
      seed: this.seed + (this.made += 1),
      commits: this.commits,
    });
    if (isDeaf) store.watchRolls = () => Promise.reject(new StoreUnavailableError('Redis refused SUBSCRIBE'));
    if (entering !== undefined) store.next('lookAsMember', entering);
    const reported: Node['reported'] = [];
    const report = (error: unknown, origin: ErrorOrigin): void => void reported.push({ error, origin });
    await store.start({ namespace: 'unit', processLabel: 'unit', report, warn: () => undefined });
    const common = { store, clock: own, random: seededRandom(this.seed), report };
    const locks = new LockService({ ...common, storeName: 'default', options: {} });
    const coordinator = new TransactionCoordinator({ ...common, locks, options: {}, version: {}, resourceTtlMs: 0 });
    const cache = new TransactionalCache({ ...common, coordinator, options: {}, version: {} });
    const database = new DatabaseArbiter(undefined);
    const remote = new RemoteParticipants({ ...common, coordinator, database, options: { lease: leaseMs } });
    const prices = new PriceList(cache, manners);
    const node: Node = {
      store,
      coordinator,
      cache,
      remote,
      prices,
      recovery: new Recovery(store, report),
      reported,
      die: () => {
        store.always('*', 'drop-before');
      },
      block: (ms) => void (blockedMs += ms),
      switchTo: (list, timeout = 5_000) =>
        coordinator.run({ timeout }, async () => {
          await cache.set(PRICES, list, { ttl: '1h' });
          remote.enlist(NAME, list);
        }),
      shown: () => (remote.isCurrent(NAME) ? prices.list : 'waits'),
    };
    if (!isBare) {
      remote.start(new Map([[NAME, prices]]));
      this.nodes.push(node);
    }
    await this.elapse(0);
    return node;
  }

  /** So many nodes that have joined and show the list `old`. */
  async withOldList(count: number, options: NodeOptions = {}): Promise<Node[]> {
    const seeder = await this.node({ isBare: true });
    await seeder.cache.set(PRICES, 'old', { ttl: '1h' });
    const nodes: Node[] = [];
    for (let i = 0; i < count; i += 1) nodes.push(await this.node(options));
    await this.elapse(0);
    return nodes;
  }

  /** A switch of this node to `new` on which all have voted, and which is decided when the test calls `decide`. */
  async undecidedSwitch(owner: Node): Promise<{ readonly decide: () => Promise<void> }> {
    const { lateRequest, open } = gate();
    owner.store.next('decide', lateRequest);
    const running = owner.switchTo('new');
    await this.elapse(10);
    return {
      decide: () => {
        open();
        return running;
      },
    };
  }

  shown(nodes: readonly Node[]): unknown[] {
    return nodes.map((node) => node.shown());
  }

  elapse(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Lets time pass, half a minute at most, until the promise has settled. */
  async finish<T>(running: Promise<T>): Promise<T> {
    const seen = observe(running);
    await this.elapse(0);
    for (let step = 0; seen.state === 'pending' && step < 600; step += 1) await this.elapse(50);
    return running;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.store.clear();
    await this.finish(Promise.all(this.nodes.map(({ remote }) => remote.stop(1_000))));
  }
}

/** How often the nodes have asked the store for this, all together. */
export function count(nodes: readonly Node[], operation: StoreOperation): number {
  return nodes.flatMap(({ store }) => store.journal).filter((call) => call.operation === operation).length;
}

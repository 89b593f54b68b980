import { sleep } from '../../../src/base/clock.js';
import { CacheTxnError, LockLostError } from '../../../src/base/errors.js';
import type { Committer } from '../../../src/commit/committer.js';
import type { EntryReader } from '../../../src/commit/entry-reader.js';
import type { CommitOperation } from '../../../src/store/entry-operations.js';
import type { Monitor } from '../world/monitor.js';
import type { Profile } from '../world/profile.js';
import type { SimProcess } from '../world/sim-process.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { listOf } from './list-value.js';
import type { Attempt, Journal, KeyRead } from './journal.js';
import type { BlindWrite, Script } from './script.js';

/** What runs in one process. */
export interface ClientDependencies {
  readonly process: SimProcess;
  readonly store: CacheTxnStore;
  readonly committer: Pick<Committer, 'commit' | 'isIdle'>;
  readonly reader: EntryReader;
  readonly journal: Journal;
  readonly monitor: Monitor;
  readonly profile: Profile;
  /** Of the world, not of the process. */
  readonly nowMs: () => number;
}

/** What a holder believes of its locks. */
interface Lease {
  heldUntilMs: number;
  isOver: boolean;
}

/** Of the lease, as in the application: a holder stops to believe in it a little earlier. */
const LEASE_MARGIN = 0.05;
const RENEWALS_PER_LEASE = 3;
/** What a commit may end with when it has writes. */
const COMMIT_CODES = ['VERSION_CONFLICT', 'LOCK_LOST', 'TXN_ABORTED', 'STORE_UNAVAILABLE', 'TXN_IN_DOUBT'];
const READ_CODES = ['STORE_UNAVAILABLE', 'STORE_TIMEOUT'];
/** Messages one after another in one read: 16 rounds of a read, a question and a settlement, at worst. */
const READ_MESSAGES = 49;
/** In one commit: open/prepare, validate, decide, ask, settle, and eight intents that are settled on the way of the first three. */
const COMMIT_MESSAGES = 5 + 3 * 8 * 3;
/** See ASK_AT_LEAST_MS of the commit: how long it asks beyond its deadline, and LEAST_LEFT_MS. */
const ASKING_MS = 3_000;

/** Runs the transactions of one process, the real code under them. */
export class Client {
  constructor(private readonly deps: ClientDependencies) {}

  /** As an application does, tries once more after a conflict. */
  async run(script: Script): Promise<void> {
    const isChanged = await this.attempt(script);
    if (isChanged) await this.attempt({ ...script, id: `${script.id}b` });
  }

  /** Answers whether somebody else's write was in the way. */
  private async attempt(script: Script): Promise<boolean> {
    const { clock } = this.deps.process;
    const deadlineMs = clock.now() + script.timeoutMs;
    const token = `${script.id}-token`;
    const lease = { heldUntilMs: 0, isOver: false };
    if (script.locks.length > 0) {
      const sentAtMs = clock.now();
      if (!(await this.acquire(script, token))) return false;
      lease.heldUntilMs = sentAtMs + script.leaseMs * (1 - LEASE_MARGIN);
      this.keepRenewing(script, token, lease);
    }
    try {
      const reads = await this.readAll(script);
      if (reads === undefined || script.kind === 'look') return false;
      if (script.thinkMs > 0) await sleep(clock, script.thinkMs);
      return await this.commit(script, reads, deadlineMs, token, lease);
    } finally {
      lease.isOver = true;
      if (script.locks.length > 0) await this.release(script, token);
    }
  }

  /** Undefined where one of the reads failed. */
  private async readAll({ id, lists, registers, isReadAtOnce }: Script): Promise<KeyRead[] | undefined> {
    const keys = [...lists, ...registers];
    const groups = isReadAtOnce ? [keys] : keys.map((key) => [key]);
    const reads: KeyRead[] = [];
    for (const group of groups) {
      const some = await this.read(id, group);
      if (some === undefined) return undefined;
      reads.push(...some);
    }
    return reads;
  }

  async read(id: string, keys: readonly string[]): Promise<KeyRead[] | undefined> {
    const { journal, nowMs, process, reader, profile } = this.deps;
    const invokedAtMs = nowMs();
    try {
      const found = await this.timed(`${id} read`, READ_MESSAGES * profile.commandTimeoutMs, reader.read(keys));
      const reads = keys.map((key, i) => ({
        id: `${id}/${key}`,
        key,
        process: process.name,
        invokedAtMs,
        completedAtMs: nowMs(),
        found: found[i],
      }));
      journal.reads.push(...reads);
      return reads;
    } catch (error) {
      this.expectCode(error, READ_CODES, `${id} read`);
      return undefined;
    }
  }

  private async commit(
    script: Script,
    reads: readonly KeyRead[],
    deadlineMs: number,
    token: string,
    lease: Lease,
  ): Promise<boolean> {
    const { id } = script;
    const { committer, journal, monitor, nowMs, process, profile } = this.deps;
    const guards = script.locks.map((name) => ({ name, token }));
    const { operations, attempt } = propose(script, reads, profile.isolation, process.name, reads[0]?.invokedAtMs ?? 0);
    if (operations.length === 0) return false;
    journal.attempts.push(attempt);
    const isWriting = operations.some(({ kind }) => kind !== 'check');
    if (isWriting) monitor.expectGuards(id, guards);
    const assertLocksHeld = (): void => {
      if (guards.length > 0 && process.clock.now() >= lease.heldUntilMs) throw new LockLostError('the lease has ended');
    };
    try {
      const leftMs = Math.max(deadlineMs - process.clock.now(), 0);
      const latestMs = leftMs + ASKING_MS + COMMIT_MESSAGES * profile.commandTimeoutMs;
      const commit = committer.commit({ txnId: id, operations, guards, assertLocksHeld, deadlineMs });
      attempt.versions = await this.timed(`${id} commit`, latestMs, commit);
      attempt.status = 'ok';
    } catch (error) {
      const code = this.expectCode(error, isWriting ? COMMIT_CODES : [...COMMIT_CODES, ...READ_CODES], `${id} commit`);
      attempt.code = code;
      attempt.status = code === 'TXN_IN_DOUBT' ? 'unknown' : 'failed';
    }
    attempt.completedAtMs = nowMs();
    return attempt.code === 'VERSION_CONFLICT';
  }

  private async acquire({ id, locks, leaseMs }: Script, token: string): Promise<boolean> {
    const { store } = this.deps;
    try {
      const request = { names: locks, token, leaseMs, claimMs: 0, queueMs: 0, maxWaiters: 1 };
      return (await store.acquireLocks(request)).kind === 'acquired';
    } catch (error) {
      this.expectCode(error, READ_CODES, `${id} acquire`);
      return false;
    }
  }

  private keepRenewing({ locks, leaseMs }: Pick<Script, 'locks' | 'leaseMs'>, token: string, lease: Lease): void {
    const { process, store } = this.deps;
    process.after(leaseMs / RENEWALS_PER_LEASE, () => {
      if (lease.isOver) return;
      const sentAtMs = process.clock.now();
      store.renewLocks(locks.map((name) => ({ name, token, leaseMs }))).then(
        (outcomes) => {
          if (outcomes.every((outcome) => outcome === 'held')) {
            lease.heldUntilMs = sentAtMs + leaseMs * (1 - LEASE_MARGIN);
          }
        },
        () => undefined,
      );
      this.keepRenewing({ locks, leaseMs }, token, lease);
    });
  }

  private async release({ id, locks }: Script, token: string): Promise<void> {
    try {
      await this.deps.store.releaseLocks({ names: locks, token });
    } catch (error) {
      this.expectCode(error, READ_CODES, `${id} release`);
    }
  }

  /** Notes that the call settled, and whether it took longer than it may. */
  private async timed<T>(what: string, withinMs: number, promise: Promise<T>): Promise<T> {
    const { journal, nowMs, process } = this.deps;
    const call = { what, process, latestMs: nowMs() + withinMs, pausesBeforeMs: process.pausesMs };
    const at = journal.calls.push(call) - 1;
    try {
      return await promise;
    } finally {
      journal.calls[at] = { ...call, settledAtMs: nowMs(), pausesMs: process.pausesMs };
    }
  }

  private expectCode(error: unknown, codes: readonly string[], what: string): string {
    const code = error instanceof CacheTxnError ? error.code : 'none';
    if (!codes.includes(code)) {
      const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.deps.journal.problems.push(`error: ${what} ended with ${code}: ${shown}`);
    }
    return code;
  }
}

/** The operations, as the transaction of the application makes them of its reads and writes, and what is known of them. */
function propose(
  script: Script,
  reads: readonly KeyRead[],
  isolation: Profile['isolation'],
  process: string,
  invokedAtMs: number,
): { operations: CommitOperation[]; attempt: Attempt } {
  const { id, appends, blind, strategy } = script;
  const operations: CommitOperation[] = [];
  const puts = new Map<string, string>();
  const written = new Map<string, BlindWrite>(blind.map((write) => [write.key, write]));
  const elements = appends.map((key) => ({ key, element: `${id}.${key}` }));
  for (const { key, found } of reads) {
    const expected = { kind: 'version', version: found?.version ?? 0 } as const;
    const appended = elements.find((each) => each.key === key);
    if (appended !== undefined) {
      const value = JSON.stringify([...listOf(found?.value), appended.element]);
      puts.set(key, value);
      operations.push({ kind: 'put', key, expected, value, ttlMs: 0, strategy });
    } else if (!written.has(key) && isolation === 'serializable') {
      operations.push({ kind: 'check', key, expected });
    }
  }
  for (const { key, kind, ttlMs } of blind) {
    const read = reads.find((each) => each.key === key);
    const expected = read && ({ kind: 'version', version: read.found?.version ?? 0 } as const);
    if (kind === 'delete') operations.push({ kind, key, expected });
    else if (kind === 'bump') operations.push({ kind, key, expected, ttlMs, strategy });
    else {
      const value = `${id}.${key}`;
      puts.set(key, value);
      operations.push({ kind, key, expected, value, ttlMs, strategy });
    }
  }
  operations.sort((one, other) => (one.key < other.key ? -1 : 1));
  const ofKind = (kind: string): string[] => blind.filter((each) => each.kind === kind).map(({ key }) => key);
  const attempt: Attempt = {
    id,
    process,
    invokedAtMs,
    status: 'unknown',
    reads,
    appends: elements,
    puts,
    deletes: ofKind('delete'),
    bumps: ofKind('bump'),
  };
  return { operations, attempt };
}

import { sleep } from '../../../src/base/clock.js';
import { CacheTxnError, LockLostError } from '../../../src/base/errors.js';
import type { Committer } from '../../../src/commit/committer.js';
import type { EntryReader } from '../../../src/commit/entry-reader.js';
import type { Monitor } from '../world/monitor.js';
import type { Profile } from '../world/profile.js';
import type { SimProcess } from '../world/sim-process.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { DatabaseError } from '../database/database-error.js';
import { type Journal, type KeyRead, LOADED } from './journal.js';
import { propose } from './propose.js';
import type { RowClient } from './row-client.js';
import type { LoadScript } from './row-work.js';
import type { Script } from './script.js';

/** What runs in one process. */
export interface ClientDependencies {
  readonly process: SimProcess;
  readonly store: CacheTxnStore;
  readonly committer: Pick<Committer, 'commit' | 'isIdle'>;
  readonly reader: EntryReader;
  readonly journal: Journal;
  readonly monitor: Monitor;
  readonly profile: Profile;
  /** Undefined where there is no database. */
  readonly rows: RowClient | undefined;
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
/** What of the driver, or of a transaction that took its time over rows, comes to the caller. */
const ROW_CODES = ['DATABASE', 'TXN_TIMEOUT'];
/** Six statements on their way and waiting for rows, then a commit in which mark, COMMIT and question take 10 s each at most. */
const ROWS_MS = 6 * 20_000 + 3 * 10_000;
/** A statement on its way, and the same for the load of somebody else that is shared. */
const LOADING_MS = 2 * 20_000;

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

  /** Reads again and again, and loads what is not cached. */
  async keepLoading({ id, keys, times, pauseMs }: LoadScript): Promise<void> {
    const { clock } = this.deps.process;
    for (let time = 0; time < times; time += 1) {
      await Promise.all(keys.map((key) => this.load(`${id}.${time}`, key)));
      await sleep(clock, pauseMs);
    }
  }

  /** Whether it got an answer. */
  async load(id: string, key: string): Promise<boolean> {
    const { journal, nowMs, process, profile, rows } = this.deps;
    if (rows === undefined) throw new Error('there is nothing to load from');
    const invokedAtMs = nowMs();
    try {
      const value = await this.timed(
        `${id} load`,
        READ_MESSAGES * profile.commandTimeoutMs + LOADING_MS,
        rows.load(key),
      );
      const completedAtMs = nowMs();
      if (value === undefined) return true;
      const found = { value, version: LOADED };
      journal.reads.push({ id: `${id}/${key}`, key, process: process.name, invokedAtMs, completedAtMs, found });
      return true;
    } catch (error) {
      this.expectCode(error, [...READ_CODES, 'DATABASE'], `${id} load`);
      return false;
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
    const { committer, journal, monitor, nowMs, process, profile, rows } = this.deps;
    const guards = script.locks.map((name) => ({ name, token }));
    const { operations, attempt } = propose(script, reads, profile.isolation, process.name, reads[0]?.invokedAtMs ?? 0);
    if (operations.length === 0) return false;
    journal.attempts.push(attempt);
    const isWriting = operations.some(({ kind }) => kind !== 'check');
    if (isWriting) monitor.expectGuards(id, guards);
    const assertLocksHeld = (): void => {
      if (guards.length > 0 && process.clock.now() >= lease.heldUntilMs) throw new LockLostError('the lease has ended');
    };
    const isInRows = rows !== undefined && script.rows !== undefined;
    try {
      const leftMs = Math.max(deadlineMs - process.clock.now(), 0);
      const latestMs = leftMs + ASKING_MS + COMMIT_MESSAGES * profile.commandTimeoutMs + (isInRows ? ROWS_MS : 0);
      const proposal = { txnId: id, operations, guards, assertLocksHeld, deadlineMs };
      const commit = isInRows ? rows.commit(proposal, attempt, script.rows) : committer.commit(proposal);
      attempt.versions = await this.timed(`${id} commit`, latestMs, commit);
      attempt.status = 'ok';
    } catch (error) {
      const codes = [...COMMIT_CODES, ...(isWriting ? [] : READ_CODES), ...(isInRows ? ROW_CODES : [])];
      const code = this.expectCode(error, codes, `${id} commit`);
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
    const code = error instanceof CacheTxnError ? error.code : error instanceof DatabaseError ? 'DATABASE' : 'none';
    if (!codes.includes(code)) {
      const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.deps.journal.problems.push(`error: ${what} ended with ${code}: ${shown}`);
    }
    return code;
  }
}

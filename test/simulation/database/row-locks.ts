import type { Scheduler } from '../engine/scheduler.js';
import { DatabaseError, SQL_STATES } from './database-error.js';

/** A transaction as its locks see it: compared, and never looked into. */
export type Holder = object;

interface Waiting {
  /** Undefined for who only wants to see how the holder ends. */
  readonly who: Holder | undefined;
  readonly grant: () => void;
  readonly fail: (error: DatabaseError) => void;
}

/** As PostgreSQL looks for a deadlock: only when somebody has waited for so long. */
const DEADLOCK_TIMEOUT_MS = 1_000;

/** Who holds what until it ends, and who waits for it: rows, and the rows that are markers. */
export class RowLocks {
  private readonly holders = new Map<string, Holder>();
  private readonly queues = new Map<string, Waiting[]>();

  constructor(private readonly scheduler: Scheduler) {}

  isHeld(name: string): boolean {
    return this.holders.has(name);
  }

  /** @throws DatabaseError when it takes longer than `timeoutMs`, when waiting longer would be for ever, or when `who` is ended meanwhile */
  async acquire(name: string, who: Holder, timeoutMs: number): Promise<void> {
    const holder = this.holders.get(name);
    if (holder === undefined) this.holders.set(name, who);
    else if (holder !== who) await this.wait(name, who, timeoutMs);
  }

  /** Resolves at once where nobody holds it, else when its holder has ended. @throws DatabaseError after `timeoutMs` */
  async untilFree(name: string, timeoutMs: number): Promise<void> {
    if (this.holders.has(name)) await this.wait(name, undefined, timeoutMs);
  }

  /** Everything that it holds goes to the next ones; what it waits for, it gets no more. */
  release(who: Holder, error: DatabaseError): void {
    for (const [name, queue] of this.queues) {
      for (const waiting of queue.filter((each) => each.who === who)) {
        this.drop(name, waiting);
        waiting.fail(error);
      }
    }
    for (const [name, holder] of this.holders) if (holder === who) this.handOn(name);
  }

  private handOn(name: string): void {
    this.holders.delete(name);
    const queue = this.queues.get(name) ?? [];
    while (!this.holders.has(name)) {
      const next = queue.shift();
      if (next === undefined) return;
      if (next.who !== undefined) this.holders.set(name, next.who);
      next.grant();
    }
  }

  private wait(name: string, who: Holder | undefined, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timers = [
        this.scheduler.after(timeoutMs, () => {
          this.drop(name, waiting);
          waiting.fail(new DatabaseError(SQL_STATES.lockNotAvailable, `${name} stayed locked for ${timeoutMs} ms`));
        }),
      ];
      const settled = (): void => {
        for (const timer of timers) timer.cancel();
      };
      const waiting: Waiting = {
        who,
        grant: () => {
          settled();
          resolve();
        },
        fail: (error) => {
          settled();
          reject(error);
        },
      };
      const queue = this.queues.get(name);
      if (queue === undefined) this.queues.set(name, [waiting]);
      else queue.push(waiting);
      if (who === undefined) return;
      const look = (): void => {
        if (!this.isDeadlocked(name, who)) return;
        this.drop(name, waiting);
        waiting.fail(new DatabaseError(SQL_STATES.deadlock, `${name} is held by who waits for this transaction`));
      };
      timers.push(this.scheduler.after(DEADLOCK_TIMEOUT_MS, look));
    });
  }

  private drop(name: string, waiting: Waiting): void {
    const queue = this.queues.get(name);
    const at = queue?.indexOf(waiting) ?? -1;
    if (at >= 0) queue?.splice(at, 1);
  }

  /** Whether the holder of what it waits for waits, over however many others, for itself. */
  private isDeadlocked(name: string, who: Holder): boolean {
    const seen = new Set<Holder>();
    let holder = this.holders.get(name);
    while (holder !== undefined && !seen.has(holder)) {
      if (holder === who) return true;
      seen.add(holder);
      const at: Holder = holder;
      const [awaited] = [...this.queues].find(([, queue]) => queue.some((each) => each.who === at)) ?? [];
      holder = awaited === undefined ? undefined : this.holders.get(awaited);
    }
    return false;
  }
}

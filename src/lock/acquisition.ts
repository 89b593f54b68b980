import { sharedAbortController } from '../base/abort.js';
import { type Clock, sleep } from '../base/clock.js';
import { CacheTxnError, LockTimeoutError, StoreTimeoutError, StoreUnavailableError } from '../base/errors.js';
import type { ErrorSink } from '../base/error-sink.js';
import { fullJitterMs } from '../base/backoff.js';
import type { Random } from '../base/random.js';
import type { AcquireOutcome } from '../store/lock-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { type Grant, marginMs } from './lease.js';
import type { WaitingRoom } from './waiting-room.js';

/** Names of one slot, asked for by one token. */
export interface Wish {
  readonly names: readonly string[];
  readonly token: string;
  readonly leaseMs: number;
  /** By the local clock; in the past it means: take all or none, never queue. */
  readonly deadlineMs: number;
  /** Each of them ends the waiting. */
  readonly signals: readonly AbortSignal[];
}

/** What is left behind at the store, or may be. */
export interface Withdrawal extends Pick<Wish, 'names' | 'token' | 'leaseMs'> {
  /** Default 0: the lock was never held by its caller. */
  readonly minHoldMs?: number;
}

/** `isClaim`: handed over rather than taken; to be confirmed by a renewal at once. */
export interface Acquired extends Grant {
  readonly isClaim: boolean;
}

/** A handed-over lock is its waiter's for at most this long before it confirms (protocol section 1). */
const CLAIM_MS = 2_000;
/** A waiter asks again at least this often, plus up to a quarter: pushes are only hints. */
const POLL_MS = 1_000;
/** A place in the queue lapses after this long without a call: four polls, so a dead process frees it soon. */
const PLACE_MS = 5_000;
/** Pauses before asking a store again that did not answer. */
const STORE_RETRY = { initialMs: 50, maxMs: 500 };
/** Nobody waits for a withdrawal: it may be slower than a retry of a caller that does. */
const WITHDRAW_RETRY = { initialMs: 100, maxMs: 2_000 };

/**
 * Takes the names of one slot, waiting in the store's queue.
 *
 * Every call is the same idempotent acquire, so a lost reply, a lost push and a late push cost time, never a lock.
 */
export class Acquisition {
  private withdrawing = 0;
  private readonly closed = sharedAbortController();

  constructor(
    private readonly store: CacheTxnStore,
    private readonly room: WaitingRoom,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly report: ErrorSink,
    private readonly maxWaiters: number,
  ) {}

  /** No withdrawal is on its way to the store. */
  get isIdle(): boolean {
    return this.withdrawing === 0;
  }

  /** Ends withdrawals that the store has not taken yet. */
  close(): void {
    this.closed.abort();
  }

  /**
   * @throws LockTimeoutError `LOCK_TIMEOUT` when the names stayed busy, or a queue is full
   * @throws StoreUnavailableError `STORE_UNAVAILABLE`, or StoreTimeoutError `STORE_TIMEOUT`, when the last try failed so
   * @throws the reason of a signal
   */
  async acquire(wish: Wish): Promise<Acquired> {
    const seat = this.room.enter(wish.token);
    const claimMs = Math.min(CLAIM_MS, wish.leaseMs);
    let mayHold = false;
    let queued: { readonly fence: number; readonly sentAtMs: number } | undefined;
    try {
      for (let failures = 0; ;) {
        throwIfAborted(wish.signals);
        const sentAtMs = this.clock.now();
        const answer = await this.ask(wish, claimMs, sentAtMs);
        if (!(answer instanceof CacheTxnError) && answer.kind === 'acquired') {
          mayHold = true;
          throwIfAborted(wish.signals);
          return { fence: answer.fence, sentAtMs, leaseMs: wish.leaseMs, isClaim: false };
        }
        let pauseMs: number;
        if (answer instanceof CacheTxnError) {
          mayHold ||= !(answer instanceof StoreUnavailableError);
          if (this.clock.now() >= wish.deadlineMs) throw answer;
          pauseMs = fullJitterMs(++failures, STORE_RETRY, this.random);
        } else {
          if (answer.kind !== 'queued') throw busy(wish, answer);
          failures = 0;
          mayHold = true;
          queued = { fence: answer.fence, sentAtMs };
          const pollMs = Math.min(POLL_MS, claimMs / 2) * (1 + this.random() / 4);
          pauseMs = Math.min(Math.max(answer.remainingMs, 1), pollMs);
        }
        const leftMs = wish.deadlineMs - this.clock.now();
        const news = await seat.next(Math.max(0, Math.min(pauseMs, leftMs)), wish.signals);
        if (typeof news === 'object') {
          // Only a hand-over later than our last answer counts, and the claim began after that question was sent. The
          // token may have waited in another slot before: a late message from there says nothing about this name.
          const isCertain = wish.names.length === 1 && wish.names[0] === news.name;
          if (
            isCertain &&
            queued &&
            news.fence > queued.fence &&
            this.clock.now() < queued.sentAtMs + claimMs - marginMs(claimMs)
          ) {
            return { fence: news.fence, sentAtMs: queued.sentAtMs, leaseMs: claimMs, isClaim: true };
          }
        } else if (this.clock.now() >= wish.deadlineMs) {
          throw answer instanceof CacheTxnError ? answer : busy(wish, answer);
        }
      }
    } catch (error) {
      if (mayHold) void this.withdraw(wish);
      throw error;
    } finally {
      seat.leave();
    }
  }

  private ask(wish: Wish, claimMs: number, sentAtMs: number): Promise<AcquireOutcome | CacheTxnError> {
    const { names, token, leaseMs } = wish;
    const queueMs = Math.max(0, Math.min(wish.deadlineMs - sentAtMs, PLACE_MS));
    const { maxWaiters } = this;
    return this.store.acquireLocks({ names, token, leaseMs, claimMs, queueMs, maxWaiters }).then((outcome) => {
      const isTooLate = this.clock.now() >= sentAtMs + leaseMs - marginMs(leaseMs);
      return outcome.kind === 'acquired' && isTooLate ? tooLate(wish) : outcome;
    }, orWait);
  }

  /**
   * Leaves the queue and gives back what was taken meanwhile; the caller does not wait for it. A store that does not
   * answer may still run what was asked before, so it is told again, until one lease from now. After {@link close} it
   * does nothing.
   */
  async withdraw({ names, token, leaseMs, minHoldMs }: Withdrawal): Promise<void> {
    if (this.closed.signal.aborted) return;
    const untilMs = this.clock.now() + leaseMs;
    this.withdrawing++;
    try {
      for (let tries = 1; ; tries++) {
        try {
          await this.store.releaseLocks({ names, token, ...(minHoldMs !== undefined && { minHoldMs }) });
          return;
        } catch (error) {
          if (this.clock.now() >= untilMs) throw error;
          await sleep(this.clock, fullJitterMs(tries, WITHDRAW_RETRY, this.random), this.closed.signal).catch(() => {
            throw error;
          });
        }
      }
    } catch (error) {
      this.report(error, { during: 'leaving a lock queue', details: { names } });
    } finally {
      this.withdrawing--;
    }
  }
}

/** A store that cannot be asked, or does not answer, may do so later; anything else is an error. */
function orWait(error: unknown): CacheTxnError {
  if (error instanceof StoreUnavailableError || error instanceof StoreTimeoutError) return error;
  throw error;
}

function throwIfAborted(signals: readonly AbortSignal[]): void {
  for (const signal of signals) signal.throwIfAborted();
}

/** A lock that may have ended before its holder heard of it is none. */
function tooLate({ names, leaseMs }: Wish): StoreTimeoutError {
  return new StoreTimeoutError(
    `the store took longer to grant the lock ${names.join(', ')} than its lease of ${leaseMs} ms; give it a longer lease`,
    { details: { names, leaseMs } },
  );
}

function busy({ names }: Wish, outcome: Exclude<AcquireOutcome, { kind: 'acquired' }>): LockTimeoutError {
  const details = { names, name: outcome.name, ...('remainingMs' in outcome && { remainingMs: outcome.remainingMs }) };
  return outcome.kind === 'full'
    ? new LockTimeoutError(`the lock ${outcome.name} has as many waiters as lock.maxWaiters admits; try later`, {
        details,
      })
    : new LockTimeoutError(`the lock ${outcome.name} is held by somebody else; wait longer, or try later`, { details });
}

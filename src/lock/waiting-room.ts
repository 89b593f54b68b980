import type { Clock } from '../base/clock.js';
import { reasonOf } from '../base/clock.js';
import { StoreUnavailableError } from '../base/errors.js';
import type { Handover } from '../store/lock-operations.js';
import type { CacheTxnStore, Unsubscribe } from '../store/store.js';

/** What ends a wait: a lock was handed over, hints may have been lost, or the time is up. */
export type News = Handover | 'gap' | 'timeout';

/** One waiter's place in the room. It keeps the last hand-over until asked, because that may come before the reply. */
export class Seat {
  private unread: Handover | 'gap' | undefined;
  private wake: ((news: News) => void) | undefined;

  constructor(
    private readonly clock: Clock,
    readonly leave: () => void,
  ) {}

  tell(news: Handover | 'gap'): void {
    if (this.wake) this.wake(news);
    else if (this.unread === undefined || news !== 'gap') this.unread = news;
  }

  /** The next news, `timeout` after `timeoutMs`; rejects with a signal's reason as soon as one aborts. */
  next(timeoutMs: number, signals: readonly AbortSignal[]): Promise<News> {
    const { unread } = this;
    this.unread = undefined;
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) return Promise.reject(reasonOf(aborted));
    if (unread !== undefined) return Promise.resolve(unread);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        timer.cancel();
        this.wake = undefined;
        for (const signal of signals) signal.removeEventListener('abort', onAbort);
      };
      const onAbort = ({ target }: Event): void => {
        finish();
        reject(reasonOf(target as AbortSignal));
      };
      this.wake = (news) => {
        finish();
        resolve(news);
      };
      const timer = this.clock.after(timeoutMs, () => this.wake?.('timeout'));
      for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** The waiters of this process, by token; one subscription of the store serves them all. */
export class WaitingRoom {
  private readonly seats = new Map<string, Seat>();
  private readonly subscriptions: readonly Unsubscribe[];

  constructor(
    store: CacheTxnStore,
    private readonly clock: Clock,
    private readonly maxPending: number,
  ) {
    this.subscriptions = [
      store.onHandover((handover) => this.seats.get(handover.token)?.tell(handover)),
      store.onHandoverGap(() => {
        for (const seat of this.seats.values()) seat.tell('gap');
      }),
    ];
  }

  get size(): number {
    return this.seats.size;
  }

  /** @throws StoreUnavailableError `STORE_UNAVAILABLE` when `maxPending` callers have a seat (threat S18) */
  enter(token: string): Seat {
    if (this.size >= this.maxPending) {
      throw new StoreUnavailableError(
        `${this.size} callers of this process ask for locks already, as many as lock.maxPending admits; try later`,
        { details: { option: 'lock.maxPending', limit: this.maxPending } },
      );
    }
    const seat = new Seat(this.clock, () => this.seats.delete(token));
    this.seats.set(token, seat);
    return seat;
  }

  close(): void {
    for (const unsubscribe of this.subscriptions) unsubscribe();
  }
}

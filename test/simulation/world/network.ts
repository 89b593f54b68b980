import { StoreTimeoutError, StoreUnavailableError } from '../../../src/base/errors.js';
import type { Dice } from '../engine/dice.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import { LATEST_MS, type Profile } from './profile.js';
import type { SimProcess } from './sim-process.js';
import type { SimSlot, Step } from './sim-slot.js';

/** Called after each command that a slot ran. */
export type Observer = (slot: SimSlot) => void;

/**
 * Whether an answer stands, whatever a copy of the message does later. Where it does not, it is told only when no copy is left: a
 * connection sends again what was not answered, and nothing else.
 */
export type IsFinal<T> = (answer: T) => boolean;

/** What a sender may say of its message. */
export interface MessageOptions<T> {
  readonly isFinal?: IsFinal<T>;
}

/** What becomes of one message. */
interface Fate {
  /** When the request arrives, and when copies of it do; never, where it got lost. */
  readonly arrivalsMs: readonly number[];
  readonly isReplyLost: boolean;
}

/** How soon a sender learns that it cannot send. */
const REFUSED_AFTER_MS = 0.1;

/** Carries commands to slots and answers back, and loses, repeats and delays them. */
export class Network {
  private underway = 0;
  private sent = 0;
  private isHealed = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly dice: Dice,
    private readonly profile: Profile,
    private readonly observe: Observer,
    private readonly trace: Trace | undefined,
  ) {}

  /** Requests that will still arrive. */
  get requestsUnderway(): number {
    return this.underway;
  }

  /** Whoever sends from now on is heard at once; what is on its way stays so. */
  heal(): void {
    this.isHealed = true;
  }

  /**
   * @throws StoreUnavailableError when the command did not run, and never will
   * @throws StoreTimeoutError when nobody can tell
   */
  send<T>(
    from: SimProcess,
    to: SimSlot,
    what: string,
    data: unknown,
    step: Step<T>,
    { isFinal = () => true }: MessageOptions<T> = {},
  ): Promise<T> {
    const { scheduler, profile, trace } = this;
    const id = (this.sent += 1);
    trace?.note(scheduler.nowMs, from.name, `#${id} ${what} to s${to.index}`, data);
    return new Promise((resolve, reject) => {
      if (this.isRefused()) {
        from.after(REFUSED_AFTER_MS, () => {
          trace?.note(scheduler.nowMs, from.name, `#${id} refused`);
          reject(new StoreUnavailableError(`${what} was not sent`));
        });
        return;
      }
      const fate = this.fate();
      let copies = fate.arrivalsMs.length;
      let isAnswered = false;
      const timeout = from.after(profile.commandTimeoutMs, () => {
        isAnswered = true;
        trace?.note(scheduler.nowMs, from.name, `#${id} ${what}: no answer in time`);
        reject(new StoreTimeoutError(`${what} was not answered in time`));
      });
      const reply = (settle: () => void): void => {
        if (fate.isReplyLost) return;
        from.after(this.delayMs(), () => {
          if (isAnswered) return;
          isAnswered = true;
          timeout.cancel();
          settle();
        });
      };
      for (const delayMs of fate.arrivalsMs) {
        this.arrive(to, delayMs, () => {
          copies -= 1;
          let answer: T;
          try {
            answer = to.perform(step);
          } catch (error) {
            trace?.note(scheduler.nowMs, `s${to.index}`, `#${id} ${what} threw`, error);
            reply(() => {
              reject(error instanceof Error ? error : new Error('a slot threw', { cause: error }));
            });
            return;
          }
          trace?.note(scheduler.nowMs, `s${to.index}`, `#${id} ${what} answers`, answer);
          this.observe(to);
          if (copies > 0 && !isFinal(answer)) return;
          reply(() => {
            trace?.note(scheduler.nowMs, from.name, `#${id} ${what} is answered`);
            resolve(answer);
          });
        });
      }
    });
  }

  private arrive(to: SimSlot, delayMs: number, run: () => void): void {
    this.underway += 1;
    const knock = (): void => {
      const waitMs = to.pausedUntilMs - this.scheduler.nowMs;
      if (waitMs > 0) {
        this.scheduler.after(waitMs, knock, { isQuiet: true });
        return;
      }
      this.underway -= 1;
      run();
    };
    this.scheduler.after(delayMs, knock, { isQuiet: true });
  }

  private isRefused(): boolean {
    return !this.isHealed && this.dice.chance(this.profile.faults.refused);
  }

  private fate(): Fate {
    const { dice, isHealed } = this;
    const { requestLost, replyLost, duplicated, late } = this.profile.faults;
    const delayMs = this.delayMs();
    if (isHealed) return { arrivalsMs: [delayMs], isReplyLost: false };
    const isReplyLost = dice.chance(replyLost);
    if (dice.chance(requestLost)) return { arrivalsMs: [], isReplyLost };
    const firstMs = dice.chance(late) ? dice.scale(this.profile.commandTimeoutMs / 2, LATEST_MS) : delayMs;
    if (!dice.chance(duplicated)) return { arrivalsMs: [firstMs], isReplyLost };
    return { arrivalsMs: [firstMs, dice.scale(delayMs, LATEST_MS)], isReplyLost };
  }

  /** Never the same twice, so that nothing depends on the order in which two things at one moment were planned. */
  private delayMs(): number {
    const { dice } = this;
    const { delayMs } = this.profile;
    return dice.real(0.1, 1) * delayMs * (!this.isHealed && dice.chance(0.1) ? 10 : 1);
  }
}

/** Something that will happen, unless it is cancelled. */
export interface Planned {
  cancel(): void;
}

interface Event extends Planned {
  readonly atMs: number;
  /** Of two at the same moment, the one that was planned first goes first. */
  readonly order: number;
  run: (() => void) | undefined;
  /** Nothing waits for a promise that it settles, so that nothing has to run before the next event. */
  readonly isQuiet: boolean;
}

/** More means that something plans itself again without time passing. */
const MOST_EVENTS = 1_000_000;

const SETTLED = Promise.resolve();

/**
 * Virtual time: one event after another, and everything that an event sets off has run before the next one begins.
 *
 * What it sets off are continuations of promises. Node runs the next tick only after all of them, also those that they
 * set off in turn, so a tick that is asked for behind them is the moment when nothing is left to run; unlike a timer it costs no turn
 * of the event loop, and unlike counting it cannot end too early.
 */
export class Scheduler {
  private readonly heap: Event[] = [];
  private planned = 0;
  private ran = 0;
  private timeMs = 0;

  get nowMs(): number {
    return this.timeMs;
  }

  get eventsRun(): number {
    return this.ran;
  }

  after(delayMs: number, run: () => void, { isQuiet = false } = {}): Planned {
    const event: Event = {
      atMs: this.timeMs + Math.max(delayMs, 0),
      order: (this.planned += 1),
      run,
      isQuiet,
      cancel() {
        this.run = undefined;
      },
    };
    this.push(event);
    return event;
  }

  /** Lets `forMs` pass. Rejects with what an event throws: a bug of the simulation itself. */
  pass(forMs: number): Promise<void> {
    const endMs = this.timeMs + forMs;
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (this.runUntilLoud(endMs)) {
            void SETTLED.then(last);
            return;
          }
        } catch (error) {
          reject(error instanceof Error ? error : new Error('an event threw what is no error', { cause: error }));
          return;
        }
        this.timeMs = endMs;
        resolve();
      };
      // A tick that is asked for in a continuation waits for all other continuations.
      const last = (): void => {
        process.nextTick(step);
      };
      void SETTLED.then(last);
    });
  }

  /** Runs events until one may have set something off; false when none is left before the end. */
  private runUntilLoud(endMs: number): boolean {
    for (;;) {
      const event = this.heap[0];
      if (event === undefined || event.atMs > endMs) return false;
      this.pop();
      if (event.run === undefined) continue;
      this.timeMs = event.atMs;
      this.ran += 1;
      if (this.ran > MOST_EVENTS) throw new Error(`more than ${MOST_EVENTS} events in one simulation`);
      event.run();
      if (!event.isQuiet) return true;
    }
  }

  private push(event: Event): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let least = heap[child];
      if (least === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, least)) {
        child += 1;
        least = right;
      }
      if (isBefore(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

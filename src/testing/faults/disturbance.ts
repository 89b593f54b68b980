import { type Clock, sleep } from '../../base/clock.js';
import { CacheTxnError, StoreTimeoutError, StoreUnavailableError } from '../../base/errors.js';
import type { CustomFault, PlannedFault, StoreOperation } from './fault.js';
import type { FaultPlan } from './fault-plan.js';
import { LateArrivals } from './late-arrivals.js';
import { type OpenCall, StoreJournal } from './store-journal.js';

/** Plays the plan's faults on single operations, and keeps the journal of them. */
export class Disturbance {
  readonly journal = new StoreJournal();
  readonly late = new LateArrivals();

  constructor(
    private readonly plan: FaultPlan,
    private readonly clock: Clock,
    private readonly seed: number,
  ) {}

  /** Runs the operation as the plan wants it; what runs at the store does so at most as often as the fault says. */
  async play<T>(operation: StoreOperation, request: unknown, run: () => Promise<T>): Promise<T> {
    const fault = this.plan.choose(operation);
    const call = this.journal.begin(operation, request, typeof fault === 'function' ? 'custom' : fault?.kind);
    const arrive = async (): Promise<T> => {
      call.ran += 1;
      try {
        return await run();
      } finally {
        if (operation !== 'handover' && operation !== 'change') await this.late.overtake();
      }
    };
    try {
      const answer = await this.disturb(fault, call, arrive);
      call.end = 'answered';
      return answer;
    } catch (error) {
      call.end = 'failed';
      throw error;
    }
  }

  private async disturb<T>(
    fault: PlannedFault | CustomFault | undefined,
    call: OpenCall,
    arrive: () => Promise<T>,
  ): Promise<T> {
    if (fault === undefined) return arrive();
    if (typeof fault === 'function') return (await fault(arrive, call)) as T;
    switch (fault.kind) {
      case 'refuse':
        throw new StoreUnavailableError(this.sentence(call, 'was refused: no connection'), detailsOf(call));
      case 'drop-before':
        throw this.timeout(call, 'did not reach the store');
      case 'drop-after':
        await arrive();
        throw this.timeout(call, 'ran, and its answer was lost');
      case 'delay-before':
        await sleep(this.clock, fault.delayMs);
        return arrive();
      case 'delay-after': {
        const answer = await arrive();
        await sleep(this.clock, fault.delayMs);
        return answer;
      }
      case 'duplicate': {
        const answer = await arrive();
        if (fault.afterOperations === 0) await unheard(arrive);
        else this.late.add(fault.afterOperations, () => unheard(arrive));
        return answer;
      }
      case 'late':
        this.late.add(fault.afterOperations, () => unheard(arrive));
        throw this.timeout(call, 'is late');
    }
  }

  private timeout(call: OpenCall, what: string): StoreTimeoutError {
    return new StoreTimeoutError(this.sentence(call, what), detailsOf(call));
  }

  private sentence({ operation, number, fault }: OpenCall, what: string): string {
    return `${operation} ${what} (fault ${fault ?? ''} of call ${number}, seed ${this.seed})`;
  }
}

/** Whether a fault of this kit made the error, rather than the store or a fault of the test's own. */
export function isInjected(error: unknown): boolean {
  return error instanceof CacheTxnError && error.details['injected'] === true;
}

function detailsOf({ operation, number, fault }: OpenCall): { readonly details: Record<string, unknown> } {
  return { details: { injected: true, operation, call: number, fault } };
}

/** A request whose answer, good or bad, finds nobody any more. */
async function unheard(arrive: () => Promise<unknown>): Promise<void> {
  await arrive().then(
    () => undefined,
    () => undefined,
  );
}

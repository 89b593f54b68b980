import { type Duration, toMs } from '../../base/duration.js';
import { InvalidOptionsError } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import {
  type CustomFault,
  type Fault,
  type FaultKind,
  FAULT_KINDS,
  planFault,
  type PlannedFault,
  STORE_OPERATIONS,
  type StoreOperation,
} from './fault.js';

/** One operation, or `'*'` for all of them. */
export type FaultTarget = StoreOperation | '*';

/** The probability of each fault for one call, each 0 to 1 and together at most 1. */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>;

/** Bounds of random faults. */
export interface RandomFaultOptions {
  /** Which operations meet random faults. Default: all but `start`, without which no test runs. */
  readonly operations?: readonly StoreOperation[];
  /** The longest delay. Default `'100ms'`. */
  readonly maxDelay?: Duration;
  /** How many later operations a copy or a late request lets pass at most. Default 3. */
  readonly maxAfterOperations?: number;
}

interface RandomFaults {
  readonly rates: readonly (readonly [FaultKind, number])[];
  readonly meets: (operation: StoreOperation) => boolean;
  readonly maxDelayMs: number;
  readonly maxAfterOperations: number;
}

/** Which fault meets the next call: first what `next` announced, then what `always` says, then chance. */
export class FaultPlan {
  private readonly announced = new Map<FaultTarget, (PlannedFault | CustomFault)[]>();
  private readonly standing = new Map<FaultTarget, PlannedFault | CustomFault>();
  private random: RandomFaults | undefined;

  constructor(private readonly chance: Random) {}

  /** @throws InvalidOptionsError `INVALID_OPTIONS` */
  next(target: FaultTarget, faults: readonly Fault[]): void {
    checkTarget(target);
    const planned = faults.flatMap((fault): readonly (PlannedFault | CustomFault)[] => {
      if (typeof fault === 'function') return [fault];
      const { times, ...one } = planFault(fault);
      return Array.from({ length: times }, () => one);
    });
    this.announced.set(target, [...(this.announced.get(target) ?? []), ...planned]);
  }

  /** @throws InvalidOptionsError `INVALID_OPTIONS` */
  always(target: FaultTarget, fault: Fault | undefined): void {
    checkTarget(target);
    if (fault === undefined) this.standing.delete(target);
    else this.standing.set(target, typeof fault === 'function' ? fault : planFault(fault));
  }

  /** @throws InvalidOptionsError `INVALID_OPTIONS` */
  randomly(rates: FaultRates, options: RandomFaultOptions): void {
    const { operations, maxDelay = '100ms', maxAfterOperations = 3 } = options;
    const pairs = FAULT_KINDS.map((kind) => [kind, rates[kind] ?? 0] as const);
    const total = pairs.reduce((sum, [, rate]) => sum + rate, 0);
    // The sum of tenths may pass 1 by the last bit.
    if (!(total <= 1 + Number.EPSILON * 8) || pairs.some(([, rate]) => !(rate >= 0)))
      throw new InvalidOptionsError('rates of random faults are probabilities, together at most 1', {
        details: { option: 'rates', rates },
      });
    if (!Number.isSafeInteger(maxAfterOperations) || maxAfterOperations < 1)
      throw new InvalidOptionsError('maxAfterOperations must be a whole number of at least 1', {
        details: { option: 'maxAfterOperations', maxAfterOperations },
      });
    this.random = {
      rates: pairs,
      meets: (operation) => operations?.includes(operation) ?? operation !== 'start',
      maxDelayMs: toMs(maxDelay, 'maxDelay'),
      maxAfterOperations,
    };
  }

  clear(): void {
    this.announced.clear();
    this.standing.clear();
    this.random = undefined;
  }

  choose(operation: StoreOperation): PlannedFault | CustomFault | undefined {
    return (
      this.announced.get(operation)?.shift() ??
      this.announced.get('*')?.shift() ??
      this.standing.get(operation) ??
      this.standing.get('*') ??
      this.byChance(operation)
    );
  }

  private byChance(operation: StoreOperation): PlannedFault | undefined {
    if (!this.random?.meets(operation)) return undefined;
    const { rates, maxDelayMs, maxAfterOperations } = this.random;
    let left = this.chance();
    for (const [kind, rate] of rates) {
      if (left < rate) {
        const delayMs = this.chance() * maxDelayMs;
        return { kind, delayMs, afterOperations: 1 + Math.floor(this.chance() * maxAfterOperations) };
      }
      left -= rate;
    }
    return undefined;
  }
}

/** A misspelt operation would be a fault that never comes, and a test that passes for no reason. */
function checkTarget(target: FaultTarget): void {
  if (target === '*' || STORE_OPERATIONS.includes(target)) return;
  throw new InvalidOptionsError(`${target} is no operation of a store: ${STORE_OPERATIONS.join(', ')}, or '*'`, {
    details: { option: 'operation' },
  });
}

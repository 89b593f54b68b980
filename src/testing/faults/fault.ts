import { type Duration, toMs } from '../../base/duration.js';
import { InvalidOptionsError } from '../../base/errors.js';

export const STORE_OPERATIONS = [
  'start',
  'acquireLocks',
  'renewLocks',
  'releaseLocks',
  'forceReleaseLock',
  'inspectLock',
  'listLocks',
  'readEntries',
  'commit',
  'resolveCommit',
  'openTransaction',
  'prepare',
  'decide',
  'askDecision',
  'settle',
  'retireDecision',
  'closeTransaction',
  'overdueTransactions',
  'leaseFill',
  'fill',
  'identity',
  'listTransactions',
  'lookAsMember',
  'leaveMembers',
  'callRoll',
  'readRoll',
  'answerRoll',
  'concludeRoll',
  'hint',
  'change',
  'handover',
] as const;

/**
 * What can be disturbed: the operations of the store port, `handover`, the message that tells a waiter of its lock, `hint`, the one that
 * tells remote participants, the owners of their transactions, and those that wait for a load that there is something to look at, and
 * `change`, the one that tells whoever keeps copies of an entry that it was written.
 */
export type StoreOperation = (typeof STORE_OPERATIONS)[number];

export const FAULT_KINDS = [
  'refuse',
  'drop-before',
  'drop-after',
  'delay-before',
  'delay-after',
  'duplicate',
  'late',
] as const;

/**
 * What can happen to one operation.
 *
 * | kind | runs | its caller gets |
 * |---|---|---|
 * | `refuse` | never | `StoreUnavailableError`: it surely did not run |
 * | `drop-before` | never, the request is lost | `StoreTimeoutError`: nobody knows |
 * | `drop-after` | once, the answer is lost | `StoreTimeoutError` |
 * | `delay-before` | once, after `delay` | the answer |
 * | `delay-after` | once, at once | the answer, after `delay` |
 * | `duplicate` | twice; the copy arrives after `afterOperations` later ones | the first answer |
 * | `late` | once, after `afterOperations` later ones | `StoreTimeoutError`, at once |
 *
 * A renewal answers `unknown` where others throw, as the port demands. A message has no caller: it is lost,
 * late or repeated.
 */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A fault with its settings. */
export interface FaultSettings {
  readonly kind: FaultKind;
  /** Of `delay-before` and `delay-after`, on the clock of the store. Default `'100ms'`. */
  readonly delay?: Duration;
  /** How many later operations run before the copy (`duplicate`, default 0) or the request (`late`, default 1) arrives. */
  readonly afterOperations?: number;
  /** How many calls meet it when given to `next`; 1 to 10,000. Default 1. */
  readonly times?: number;
}

/** One call as its caller made it. */
export interface DisturbedCall {
  readonly operation: StoreOperation;
  /** The arguments: the request itself, the keys, the name or the pattern. */
  readonly request: unknown;
}

/** A fault of your own: `run` does the operation at the store, and may be called early, late, twice or never. */
export type CustomFault = (run: () => Promise<unknown>, call: DisturbedCall) => Promise<unknown>;

/** What `next` and `always` take: a kind alone, a kind with its settings, or a fault of your own. */
export type Fault = FaultKind | FaultSettings | CustomFault;

/** A fault that has been checked, with every setting. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly delayMs: number;
  readonly afterOperations: number;
}

const MAX_TIMES = 10_000;

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function planFault(fault: Exclude<Fault, CustomFault>): PlannedFault & { readonly times: number } {
  const { kind, delay = '100ms', ...rest } = typeof fault === 'string' ? { kind: fault } : fault;
  const { afterOperations = kind === 'late' ? 1 : 0, times = 1 } = rest as Partial<FaultSettings>;
  if (!FAULT_KINDS.includes(kind)) throw invalid('kind', kind, `must be one of ${FAULT_KINDS.join(', ')}`);
  const least = kind === 'late' ? 1 : 0;
  if (!Number.isSafeInteger(afterOperations) || afterOperations < least)
    throw invalid('afterOperations', afterOperations, `must be a whole number of at least ${least}`);
  if (!Number.isSafeInteger(times) || times < 1 || times > MAX_TIMES)
    throw invalid('times', times, `must be a whole number from 1 to ${MAX_TIMES}`);
  return { kind, delayMs: toMs(delay, 'fault.delay'), afterOperations, times };
}

function invalid(option: string, value: unknown, rule: string): InvalidOptionsError {
  return new InvalidOptionsError(`fault.${option}: ${JSON.stringify(value)} ${rule}`, {
    details: { option: `fault.${option}` },
  });
}

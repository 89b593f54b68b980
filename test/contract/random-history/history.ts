import fc from 'fast-check';
import { endsSoon, type IntentStep, intentSteps } from './intent-steps.js';

/** Few of each, so that random commands meet. */
export const NAMES = 3;
export const KEYS = 4;
export const CONTENDERS = 4;
const LOADERS = 2;

/**
 * Two lengths of time, so that no answer depends on how fast the machine is: `long` outlives every history, `brief` is
 * over when the step that set it has ended, because such a step is followed by a pause.
 */
export type Length = 'brief' | 'long';

export interface AcquireStep {
  readonly kind: 'acquire';
  readonly who: number;
  readonly names: readonly number[];
  readonly lease: Length;
  readonly queue: Length | 'none';
  readonly maxWaiters: number;
}

export interface RenewStep {
  readonly kind: 'renew';
  readonly requests: readonly {
    readonly who: number;
    readonly name: number;
    readonly lease: Length;
    /** `raise`: far above every fence so far; `low`: below all. */
    readonly fence: 'none' | 'low' | 'raise';
  }[];
}

export interface ReleaseStep {
  readonly kind: 'release';
  readonly who: number;
  readonly names: readonly number[];
  readonly isMinHold: boolean;
}

export interface ForceStep {
  readonly kind: 'force';
  readonly name: number;
  readonly fence: 'any' | 'present' | 'other';
}

export interface OperationDraft {
  readonly key: number;
  readonly kind: 'check' | 'put' | 'bump' | 'delete';
  readonly expected: 'none' | 'present' | 'zero' | 'other' | 'exists';
  readonly ttl: Length | 'none';
  readonly strategy: 'timestamp' | 'counter';
}

export interface CommitStep {
  readonly kind: 'commit';
  readonly operations: readonly OperationDraft[];
  readonly guards: readonly { readonly who: number; readonly name: number }[];
  readonly outcome: Length | 'none';
  /** A commit that is not sent at once may be resolved before it arrives. */
  readonly isSent: boolean;
}

/** Sends or settles one of the commits so far, counted back from the last. */
export interface AgainStep {
  readonly kind: 'resend' | 'resolve';
  readonly back: number;
}

export type Step = AcquireStep | RenewStep | ReleaseStep | ForceStep | CommitStep | AgainStep | IntentStep;

export interface History {
  /** The claim of every waiter; with a brief one every step is followed by a pause, since any may hand over. */
  readonly claim: Length;
  readonly steps: readonly Step[];
}

/** Whether something that this step sets must be over before the next one. */
export function needsPause(step: Step, { claim, steps }: History): boolean {
  if (claim === 'brief') return true;
  switch (step.kind) {
    case 'acquire':
      return step.lease === 'brief' || step.queue === 'brief';
    case 'renew':
      return step.requests.some(({ lease }) => lease === 'brief');
    case 'commit':
      return setsBrief(step);
    case 'resend':
      return steps.some((earlier) => earlier.kind === 'commit' && setsBrief(earlier));
    case 'release':
    case 'force':
    case 'resolve':
      return false;
    default:
      return endsSoon(step, steps);
  }
}

function setsBrief({ outcome, operations }: CommitStep): boolean {
  return outcome === 'brief' || operations.some(({ ttl }) => ttl === 'brief');
}

const index = (count: number): fc.Arbitrary<number> => fc.nat({ max: count - 1 });
const several = (count: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(index(count), { minLength: 1, maxLength: count });
const mostlyLong = fc.oneof(
  { weight: 7, arbitrary: fc.constant('long' as const) },
  { weight: 1, arbitrary: fc.constant('brief' as const) },
);
const guard = fc.record({ who: index(CONTENDERS), name: index(NAMES) });

const acquire: fc.Arbitrary<AcquireStep> = fc.record({
  kind: fc.constant('acquire'),
  who: index(CONTENDERS),
  names: several(NAMES),
  lease: mostlyLong,
  queue: fc.constantFrom('long', 'long', 'long', 'long', 'long', 'long', 'brief', 'none'),
  maxWaiters: fc.constantFrom(1, 2, 100, 100),
});

const renew: fc.Arbitrary<RenewStep> = fc.record({
  kind: fc.constant('renew'),
  requests: fc.uniqueArray(
    fc.record({
      who: index(CONTENDERS),
      name: index(NAMES),
      lease: mostlyLong,
      fence: fc.constantFrom('none', 'none', 'low', 'raise'),
    }),
    { minLength: 1, maxLength: 3, selector: ({ name }) => name },
  ),
});

const release: fc.Arbitrary<ReleaseStep> = fc.record({
  kind: fc.constant('release'),
  who: index(CONTENDERS),
  names: several(NAMES),
  isMinHold: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

const force: fc.Arbitrary<ForceStep> = fc.record({
  kind: fc.constant('force'),
  name: index(NAMES),
  fence: fc.constantFrom('any', 'present', 'other'),
});

const commit: fc.Arbitrary<CommitStep> = fc.record({
  kind: fc.constant('commit'),
  operations: fc.uniqueArray(
    fc.record({
      key: index(KEYS),
      kind: fc.constantFrom('check', 'put', 'put', 'bump', 'delete'),
      expected: fc.constantFrom('none', 'none', 'present', 'present', 'zero', 'other', 'exists'),
      ttl: fc.constantFrom('none', 'none', 'none', 'none', 'long', 'long', 'long', 'long', 'brief'),
      strategy: fc.constantFrom('timestamp', 'counter'),
    }),
    { minLength: 1, maxLength: KEYS, selector: ({ key }) => key },
  ),
  guards: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(guard, { maxLength: 2 }) },
  ),
  outcome: fc.constantFrom('long', 'long', 'long', 'long', 'long', 'none', 'none', 'brief'),
  isSent: fc.constantFrom(true, true, true, false),
});

const again: fc.Arbitrary<AgainStep> = fc.record({
  kind: fc.constantFrom('resend', 'resolve'),
  back: fc.nat({ max: 3 }),
});

/** Locks are contended, and commits, loads and transactions elsewhere meet each other. */
const mixed: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: acquire },
  { weight: 2, arbitrary: renew },
  { weight: 4, arbitrary: release },
  { weight: 1, arbitrary: force },
  { weight: 5, arbitrary: commit },
  { weight: 2, arbitrary: again },
  { weight: 7, arbitrary: intentSteps(KEYS, LOADERS) },
);

/** Of few keys, so that what a load or a settlement meets has a long past. */
const crowded: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: commit },
  { weight: 7, arbitrary: intentSteps(2, LOADERS) },
);

const stepsOf = (step: fc.Arbitrary<Step>) => fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });

/** Histories of up to 60 steps. */
export const histories: fc.Arbitrary<History> = fc.oneof(
  fc.record({ claim: mostlyLong, steps: stepsOf(mixed) }),
  fc.record({ claim: fc.constant('long' as const), steps: stepsOf(crowded) }),
);

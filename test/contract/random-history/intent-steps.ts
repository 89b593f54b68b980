import fc from 'fast-check';
import type { SettleRequest, WriteOperation } from '../../../src/store/intent-operations.js';
import type { Length } from './history.js';

/** Asks for a value, or for leave to fill it. */
export interface LeaseStep {
  readonly kind: 'lease';
  readonly who: number;
  readonly key: number;
  readonly lease: Length;
  /** Replaces the value that was last seen of the key. */
  readonly isAnew: boolean;
}

export interface FillStep {
  readonly kind: 'fill';
  readonly who: number;
  readonly key: number;
  readonly ttl: Length | 'none';
  readonly strategy: 'timestamp' | 'counter';
}

export interface WriteDraft {
  readonly key: number;
  readonly kind: WriteOperation['kind'];
  readonly isExpecting: boolean;
  readonly ttl: Length | 'none';
  readonly strategy: 'timestamp' | 'counter';
}

/** Prepares writes of a transaction that a database decides. */
export interface PrepareStep {
  readonly kind: 'prepare';
  readonly operations: readonly WriteDraft[];
  readonly left: Length;
}

/** Settles one of the transactions so far, counted back from the last. */
export interface SettleStep {
  readonly kind: 'settle';
  readonly back: number;
  readonly verdict: SettleRequest['verdict'];
  readonly isOwner: boolean;
  readonly isFirstOnly: boolean;
  readonly isRemembered: boolean;
}

/** Sends a copy of one of the prepares, or asks the slot about the transaction. */
export interface CopyStep {
  readonly kind: 'prepare-again' | 'ask';
  readonly back: number;
}

export type IntentStep = LeaseStep | FillStep | PrepareStep | SettleStep | CopyStep;

const length = fc.constantFrom<Length>('long', 'long', 'long', 'long', 'long', 'brief');
const ttl = fc.constantFrom<Length | 'none'>('none', 'none', 'none', 'long', 'long', 'long', 'brief');
const strategy = fc.constantFrom('timestamp' as const, 'counter' as const);
const back = fc.constantFrom(0, 0, 0, 1, 1, 2);

/** Loads of missing values between transactions that a database decides, over so many keys, by so many loaders. */
export function intentSteps(keys: number, loaders: number): fc.Arbitrary<IntentStep> {
  const [key, who] = [fc.nat({ max: keys - 1 }), fc.nat({ max: loaders - 1 })];
  const write: fc.Arbitrary<WriteDraft> = fc.record({
    key,
    kind: fc.constantFrom('put', 'bump', 'delete'),
    isExpecting: fc.boolean(),
    ttl,
    strategy,
  });
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record<LeaseStep>({ kind: fc.constant('lease'), who, key, lease: length, isAnew: fc.boolean() }),
    },
    { weight: 4, arbitrary: fc.record<FillStep>({ kind: fc.constant('fill'), who, key, ttl, strategy }) },
    {
      weight: 3,
      arbitrary: fc.record<PrepareStep>({
        kind: fc.constant('prepare'),
        operations: fc.uniqueArray(write, { minLength: 1, maxLength: 2, selector: (draft) => draft.key }),
        left: length,
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record<SettleStep>({
        kind: fc.constant('settle'),
        back,
        verdict: fc.constantFrom('committed', 'aborted', 'published', 'published', 'void', 'void'),
        isOwner: fc.boolean(),
        isFirstOnly: fc.constantFrom(false, false, true),
        isRemembered: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record<CopyStep>({ kind: fc.constantFrom('prepare-again', 'ask'), back }) },
  );
}

/** Whether something that this step sets must be over before the next one. */
export function endsSoon(step: IntentStep, all: readonly { readonly kind: string }[]): boolean {
  switch (step.kind) {
    case 'lease':
      return step.lease === 'brief';
    case 'fill':
      return step.ttl === 'brief';
    case 'prepare':
      return step.left === 'brief';
    case 'settle':
    case 'prepare-again':
      return all.some(
        (each) => isPrepare(each) && (each.left === 'brief' || each.operations.some(({ ttl: of }) => of === 'brief')),
      );
    case 'ask':
      return false;
  }
}

function isPrepare(step: { readonly kind: string }): step is PrepareStep {
  return step.kind === 'prepare';
}

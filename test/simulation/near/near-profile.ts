import type { NearCacheOptions } from '../../../src/near/near-cache.options.js';
import type { Dice } from '../engine/dice.js';

/** Keys by what is done with them. */
export const PLAIN = ['a', 'b'] as const;
export const TAGGED = ['c', 'd'] as const;
/** Always written together, with the same number. */
export const PAIR = ['x', 'y'] as const;
export const COUNTER = 'n';
export const TAG = 'red';

/** How one episode goes, drawn from its seed. */
export interface NearProfile {
  readonly slots: number;
  /** One for each process; false is one without copies. */
  readonly near: readonly (NearCacheOptions | false)[];
  readonly clients: number;
  /** Pauses of a client last as long at most. */
  readonly pauseMs: number;
  /** A request, and an answer, takes as long at most; now and then one takes {@link spikeMs}. */
  readonly latencyMs: number;
  readonly spikeMs: number;
  /** What a message of the bus takes at most. */
  readonly busMs: number;
  readonly lossRate: number;
  readonly repeatRate: number;
  /** Whether buses are dead at times. */
  readonly hasDowns: boolean;
  readonly entryTtlMs: number;
}

const NEAR_TTL_MS = [40, 250, 1_500, 30_000];
const ENTRY_TTL_MS = [60, 400, 3_600_000];
const POLICIES = ['bypass', 'serve', '150ms', 'bypass'] as const;
const NEAR_PROCESSES = 3;

export function profileOf(dice: Dice): NearProfile {
  const isLossy = dice.chance(0.6);
  const near = Array.from({ length: NEAR_PROCESSES }, (): NearCacheOptions => {
    const [ttl, whileDisconnected] = [dice.pick(NEAR_TTL_MS), dice.pick(POLICIES)];
    return { ttl, whileDisconnected, values: dice.pick(['cloned', 'frozen']), maxEntries: dice.pick([3, 100]) };
  });
  return {
    slots: dice.pick([1, 3]),
    near: [...near, false],
    clients: dice.whole(1, 3),
    pauseMs: dice.scale(1, 80),
    latencyMs: dice.scale(0.2, 20),
    spikeMs: dice.scale(20, 400),
    busMs: dice.scale(0.5, 400),
    lossRate: isLossy ? dice.real(0.02, 0.6) : 0,
    repeatRate: dice.real(0, 0.4),
    hasDowns: isLossy && dice.chance(0.6),
    entryTtlMs: dice.pick(ENTRY_TTL_MS),
  };
}

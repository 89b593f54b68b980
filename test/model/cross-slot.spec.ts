import { describe, expect, it } from '@jest/globals';
import { crossSlotModel } from './cross-slot.js';
import { explore } from './explore.js';
import { SHORT, VARIANTS } from './scenarios.js';

const LIMIT_MS = 120_000;

describe('G14, G16, G18, G20, G27: commits over several slots, every order of events', () => {
  it.each(Object.entries(SHORT))(
    '%s',
    (_name, scenario) => {
      const { violation, isComplete } = explore(crossSlotModel(scenario));
      expect(violation).toBeUndefined();
      expect(isComplete).toBe(true);
    },
    LIMIT_MS,
  );
});

describe('a protocol that leaves one rule out is found out', () => {
  it.each(Object.entries(VARIANTS))(
    '%s',
    (_name, { because, ...scenario }) => {
      expect(explore(crossSlotModel(scenario)).violation?.what).toContain(because);
    },
    LIMIT_MS,
  );
});

describe('what Redis may lose', () => {
  it('a failover that takes the decision along can tear a transaction: the limit that the guarantees name', () => {
    const scenario = { slots: 2, txns: [{ id: 'T1', writes: [0, 1] }], faults: { failovers: 1 } };
    expect(explore(crossSlotModel(scenario)).violation?.what).toMatch(/^T1 (is|was told) committed/);
  });
});

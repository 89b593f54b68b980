import { describe, expect, it } from '@jest/globals';
import { explore } from '../explore.js';
import { databaseModel } from './cache-beside-database.js';
import { LIMITS, OTHERS, SHORT, VARIANTS } from './scenarios.js';

const LIMIT_MS = 120_000;

describe('G16, G44, G45, G46: commits of a cache and a database together, every order of events', () => {
  it.each(Object.entries(SHORT))(
    '%s',
    (_name, scenario) => {
      const { violation, isComplete } = explore(databaseModel(scenario));
      expect(violation).toBeUndefined();
      expect(isComplete).toBe(true);
    },
    LIMIT_MS,
  );
});

describe.each([
  ['what others do leaves a stale value for ever', OTHERS],
  ['a protocol with a database that leaves one rule out is found out', VARIANTS],
  ['what Redis may lose is a limit that the guarantees name', LIMITS],
])('%s', (_title, variants) => {
  it.each(Object.entries(variants))(
    '%s',
    (_name, { because, ...scenario }) => {
      expect(explore(databaseModel(scenario)).violation?.what).toContain(because);
    },
    LIMIT_MS,
  );
});

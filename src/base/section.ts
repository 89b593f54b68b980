import { callScope, ScopeKey } from './async-scope.js';

/**
 * A stretch of a call under one more lock. What was read outside of it may be old inside, because others may have
 * written while the call waited for the lock.
 */
export type Section = symbol;

const SECTION = new ScopeKey<Section>('section');

/** The innermost section of the present call; undefined outside all of them. */
export function currentSection(): Section | undefined {
  return callScope.get(SECTION);
}

/** Runs `fn` as a section of its own. */
export function inSection<R>(fn: () => R): R {
  return callScope.run(SECTION, Symbol('section'), fn);
}

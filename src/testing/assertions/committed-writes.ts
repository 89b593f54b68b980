import { AssertionError } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { CommittedWrite } from '../commit-log.js';

/** What has committed writes to show: a `FaultInjectingStore`. */
export interface WithCommittedWrites {
  readonly committedWrites: readonly CommittedWrite[];
}

/** Keys and the values they were last committed with; undefined for a key that was deleted. */
export type ExpectedWrites = Readonly<Record<string, unknown>>;

/**
 * What was written, in the order of the commits, by all nodes that share the data; a new array each time. A commit whose
 * answer was lost is among them, and a repeated one counts once.
 */
export function committedWrites(store: WithCommittedWrites): readonly CommittedWrite[] {
  return store.committedWrites;
}

/**
 * States that each of these keys was committed, last with this value (compared deeply); undefined for a key that was
 * deleted. Other keys may have been committed too.
 * @throws AssertionError that names each key that differs
 */
export function expectCommitted(store: WithCommittedWrites, expected: ExpectedWrites): void {
  const last = lastValues(store.committedWrites);
  const wrong = differences(last, expected);
  if (wrong.length === 0) return;
  const actual = Object.fromEntries([...last].filter(([key]) => key in expected));
  throw failure('not all is committed as expected', wrong, actual, expected, 'expectCommitted');
}

/**
 * Like {@link expectCommitted}, and no other key was committed.
 * @throws AssertionError that names each key that differs
 */
export function expectOnlyCommitted(store: WithCommittedWrites, expected: ExpectedWrites): void {
  const last = lastValues(store.committedWrites);
  const unexpected = [...last]
    .filter(([key]) => !(key in expected))
    .map(([key, value]) => `  ${key}: committed with ${shown(value)}, expected not to be`);
  const wrong = [...differences(last, expected), ...unexpected];
  if (wrong.length === 0) return;
  throw failure(
    'other writes are committed than expected',
    wrong,
    Object.fromEntries(last),
    expected,
    'expectOnlyCommitted',
  );
}

/**
 * States that nothing was committed.
 * @throws AssertionError that names each committed key
 */
export function expectNothingCommitted(store: WithCommittedWrites): void {
  expectOnlyCommitted(store, {});
}

/** A new version without a value (`bump`) leaves the value as it is. */
function lastValues(writes: readonly CommittedWrite[]): Map<string, unknown> {
  const last = new Map<string, unknown>();
  for (const { kind, key, value } of writes) {
    if (kind !== 'bump' || !last.has(key)) last.set(key, value);
  }
  return last;
}

function differences(last: ReadonlyMap<string, unknown>, expected: ExpectedWrites): string[] {
  return Object.entries(expected).flatMap(([key, value]) => {
    if (!last.has(key)) return [`  ${key}: never committed, expected with ${shown(value)}`];
    const actual = last.get(key);
    return isDeepStrictEqual(actual, value)
      ? []
      : [`  ${key}: committed with ${shown(actual)}, expected with ${shown(value)}`];
  });
}

function shown(value: unknown): string {
  return value === undefined ? 'no value (deleted)' : inspect(value, { depth: 4, breakLength: Infinity });
}

function failure(what: string, lines: readonly string[], actual: object, expected: object, operator: string): Error {
  return new AssertionError({ message: `${what}:\n${lines.join('\n')}`, actual, expected, operator });
}

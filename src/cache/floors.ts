import { InvalidOptionsError } from '../base/errors.js';
import { type ValueNotes, writeStored } from './stored-value.js';

/** Gives the version of a value where it comes from, such as a column of its row. */
export type VersionOf<T> = { bivarianceHack(value: T): number }['bivarianceHack'];

/**
 * A version at a source of values, such as that of a row.
 * @throws InvalidOptionsError `INVALID_OPTIONS` for anything but a whole number from 0 on
 */
export function checkSourceVersion(version: unknown, option: string): number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return version;
  // A text may be a part of the value, and is mostly a bigint column.
  const got = typeof version === 'number' ? String(version) : `what is ${typeof version}`;
  throw new InvalidOptionsError(`${option}: a whole number from 0 on that grows with every change, and not ${got}`, {
    details: { option },
  });
}

/** What a value notes of its version at the source. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function sourceNotes(value: unknown, versionOf: VersionOf<unknown> | undefined): ValueNotes {
  return versionOf === undefined ? {} : { source: checkSourceVersion(versionOf(value), 'sourceVersion') };
}

/** What nothing that is loaded in the place of an entry with these notes may be older than; undefined for none. */
export function floorOf({ floor, source }: ValueNotes): number | undefined {
  return floor ?? source;
}

/** Whether what was loaded may be kept in the place of what was there. What does not tell its version cannot be compared with a floor, so it may not. */
export function mayReplace(loaded: ValueNotes, replaced: ValueNotes | undefined): boolean {
  const floor = replaced && floorOf(replaced);
  return floor === undefined || (loaded.source ?? -1) >= floor;
}

/** Whether a value is known to be older than another one. */
export function isOlder({ source }: ValueNotes, other: ValueNotes): boolean {
  return source !== undefined && other.source !== undefined && source < other.source;
}

/** The text of an entry that has no value, and says only how old the next one may be. */
export function floorText(floor: number): string {
  return writeStored({ body: '', notes: { floor } });
}

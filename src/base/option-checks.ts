import { InvalidOptionsError } from './errors.js';

/** The value, which must be one of `allowed`. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function oneOf<T extends string>(value: T, allowed: readonly T[], option: string): T {
  if (allowed.includes(value)) return value;
  throw new InvalidOptionsError(`${option}: ${JSON.stringify(value)} is none of ${allowed.join(', ')}`, {
    details: { option },
  });
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` for anything but true and false */
export function flag(value: boolean, option: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionsError(`${option}: ${JSON.stringify(value)} must be true or false`, {
    details: { option },
  });
}

/** The value, which must be a function where there is one. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function functionIfGiven<F>(value: F | undefined, option: string): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new InvalidOptionsError(`${option}: a function belongs here`, { details: { option } });
}

/** Every name an options object may have; a record, so that the compiler misses none. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Refuses what is no option, such as a misspelt name. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function onlyOptions<T>(options: T, names: OptionNames<T>, where: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionsError(
      `${where} takes an object of options, not ${options === null ? 'null' : typeof options}`,
      {
        details: { where },
      },
    );
  }
  // A `__proto__` that came with parsed JSON is nobody's spelling mistake, and is never read (threat S10).
  const unknown = Object.keys(options).find((name) => name !== '__proto__' && !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  throw new InvalidOptionsError(`${where} has no option '${unknown}'; it has ${Object.keys(names).join(', ')}`, {
    details: { where, option: unknown },
  });
}

/** Whether a caller without types has given a list; what its elements are stays as declared. */
export function isList(value: unknown): boolean {
  return Array.isArray(value);
}

/** The value, which must be a whole number, bounds inclusive. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function wholeNumber(value: number, option: string, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new InvalidOptionsError(`${option}: ${value} must be a whole number from ${min} to ${max}`, {
    details: { option, min, max },
  });
}

/** The value, which must be a number, bounds inclusive. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function between(value: number, option: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new InvalidOptionsError(`${option}: ${String(value)} must be a number from ${min} to ${max}`, {
    details: { option, min, max },
  });
}

import { InvalidOptionsError } from './errors.js';

/** The value, which must be one of `allowed`. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function oneOf<T extends string>(value: T, allowed: readonly T[], option: string): T {
  if (allowed.includes(value)) return value;
  throw new InvalidOptionsError(`${option}: ${JSON.stringify(value)} is none of ${allowed.join(', ')}`, {
    details: { option },
  });
}

/** The value, which must be a whole number, bounds inclusive. @throws InvalidOptionsError `INVALID_OPTIONS` */
export function wholeNumber(value: number, option: string, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new InvalidOptionsError(`${option}: ${value} must be a whole number from ${min} to ${max}`, {
    details: { option, min, max },
  });
}

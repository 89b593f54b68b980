import { inspect } from 'node:util';
import { InvalidOptionsError } from './errors.js';

/** A length of time: milliseconds, or a number with its unit such as `'250ms'`, `'10s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** What a duration may be; `min` and `max` in milliseconds, both inclusive. */
export interface DurationBounds {
  readonly min?: number;
  readonly max?: number;
}

/**
 * The milliseconds of a duration, rounded to a whole number; only 0 itself is 0.
 *
 * @param option name used in the message, such as `lock.lease`
 * @throws InvalidOptionsError `INVALID_OPTIONS` when it is no duration or out of bounds (default 0 to 365 days)
 */
export function toMs(
  duration: Duration,
  option: string,
  { min = 0, max = 365 * UNIT_MS.d }: DurationBounds = {},
): number {
  const exactMs = parse(duration);
  // A length that rounds to nothing would mean something else, such as "for ever" or "never waits".
  const ms = exactMs > 0 ? Math.max(1, Math.round(exactMs)) : Math.floor(exactMs);
  if (Number.isNaN(ms)) {
    throw new InvalidOptionsError(
      `${option}: ${inspect(duration)} is no duration; give milliseconds or '250ms', '10s', '5m', '2h', '1d'`,
      {
        details: { option },
      },
    );
  }
  if (ms < min || ms > max) {
    throw new InvalidOptionsError(`${option}: ${ms} ms is outside ${min} ms to ${max} ms`, {
      details: { option, ms, min, max },
    });
  }
  return ms;
}

function parse(duration: unknown): number {
  if (typeof duration === 'number') return Number.isFinite(duration) ? duration : Number.NaN;
  const match = typeof duration === 'string' ? PATTERN.exec(duration) : null;
  if (match === null) return Number.NaN;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

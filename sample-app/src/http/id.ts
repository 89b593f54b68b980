import { z } from 'zod';

/**
 * Ids of everything, written in one way only. Ids become lock names and cache keys: if `7`, `07` and `7.0` were the
 * same row, they would still be three locks.
 */
export const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9 and -')
  .meta({ example: 'gala-7' });

import { expect, it } from '@jest/globals';
import { runNodeTests } from '../../support/processes/node-tests.js';

const PROGRAM = new URL('./cls.program.ts', import.meta.url);
/** Two servers, and three applications with a mapper each. */
const TIMEOUT_MS = 120_000;

it(
  'G2, G3: rows of Drizzle, TypeORM and Knex are committed with the cache through @nestjs-cls/transactional',
  async () => {
    const { passed, failed, printed } = await runNodeTests(PROGRAM, TIMEOUT_MS - 5_000);
    expect({ failed, printed: failed.length > 0 ? printed : '' }).toEqual({ failed: [], printed: '' });
    expect(passed.length).toBeGreaterThan(50);
  },
  TIMEOUT_MS,
);

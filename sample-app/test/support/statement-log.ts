import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresServer } from '../../../test/support/servers/postgres-server.js';

const FILE = 'statements.log';

/** Settings of a server that writes down every statement. */
export const LOGGING_STATEMENTS = [
  ...['-c', 'logging_collector=on', '-c', 'log_directory=.', '-c', `log_filename=${FILE}`],
  ...['-c', 'log_statement=all', '-c', 'log_rotation_age=0', '-c', 'log_rotation_size=0'],
];

/** Queries of which each load has one, and nothing else has any. */
const LOADS = {
  page: /select count\(\*\) as count from "seats"/g,
  seats: /from "seats" where "seats"."id" in/g,
};

/** How often the rows behind the pages with seats were loaded so far. */
export function loadsSoFar({ folder }: PostgresServer): Record<keyof typeof LOADS, number> {
  const log = readFileSync(join(folder, FILE), 'utf8');
  return { page: [...log.matchAll(LOADS.page)].length, seats: [...log.matchAll(LOADS.seats)].length };
}

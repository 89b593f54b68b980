import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { allCells } from './cells.mjs';

export const HELP = `npm run test:matrix -- [options] [path pattern]

Packs the library, installs it with each supported major of NestJS and ioredis, and runs the e2e suite against it on
plain Node, as CommonJS and as ESM. A path pattern (a regular expression) chooses spec files.

  --only <cell>   this cell, or every cell with this in its name: nest11-ioredis5-cjs, nest11, esm; may be repeated
  --jobs <n>      spec files at a time; default one more than there are cores, at most 4
  --list          prints the cells and ends
  --keep          leaves the projects in the temporary folder and says where
  --help          prints this

Cells run over a plain connection, but for two, which --list shows: acl (as the least-privilege user of
docs/operations.md) and tls. CACHE_TXN_E2E_REDIS=plain|acl|tls sets one for all.
`;

/** Most of a test here is waiting for servers and processes. */
const DEFAULT_JOBS = Math.min(availableParallelism() + 1, 4);

const REDIS_MODES = ['plain', 'acl', 'tls'];

/**
 * @typedef {object} MatrixOptions
 * @property {import('./cells.mjs').Cell[]} cells
 * @property {RegExp} pattern of the paths of spec files
 * @property {number} jobs
 * @property {boolean} list
 * @property {boolean} keep
 * @property {boolean} help
 */

/**
 * @param {string[]} args of the command line
 * @param {NodeJS.ProcessEnv} env
 * @returns {MatrixOptions}
 * @throws Error that says which option cannot be understood
 */
export function readOptions(args, env) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      jobs: { type: 'string', default: String(DEFAULT_JOBS) },
      list: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, jobs, list, keep, help } = values;
  const known = allCells();
  const unknown = only.filter((part) => !known.some(({ name }) => name.includes(part)));
  if (unknown.length > 0) throw new Error(`No cell has ${unknown.join(', ')} in its name; --list shows them.`);
  if (positionals.length > 1) throw new Error(`One path pattern, please: ${positionals.join(' ')}`);
  if (!/^[1-9]\d?$/.test(jobs)) throw new Error(`--jobs ${jobs}: a number from 1 to 99, please.`);
  const redis = env['CACHE_TXN_E2E_REDIS'];
  if (redis !== undefined && !REDIS_MODES.includes(redis)) {
    throw new Error(`CACHE_TXN_E2E_REDIS=${redis}: one of ${REDIS_MODES.join(', ')}, please.`);
  }
  const chosen = known.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
  const forced = /** @type {import('./cells.mjs').RedisMode | undefined} */ (redis);
  return {
    cells: chosen.map((cell) => ({ ...cell, redis: forced ?? cell.redis })),
    pattern: new RegExp(positionals[0] ?? ''),
    jobs: Number(jobs),
    list,
    keep,
    help,
  };
}

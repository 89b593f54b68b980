/**
 * @typedef {'plain' | 'acl' | 'tls'} RedisMode how the suite reaches Redis: as the default user, as the least-privilege
 *   user of docs/operations.md, or over TLS
 *
 * @typedef {{ name: string, nest: number, ioredis: number, format: 'cjs' | 'esm', redis: RedisMode }} Cell
 *
 * @typedef {{ name: string, nest: number, ioredis: number, cells: Cell[] }} Pair cells that share one installation
 */

/** The majors that package.json promises to work with (`peerDependencies`). */
export const MAJORS = { nest: [11, 12], ioredis: [5, 6] };

const FORMATS = /** @type {const} */ (['cjs', 'esm']);

/** The cells that prove more than the plain connection, one with each major of ioredis; the others run plain. */
const REDIS_MODES = new Map(
  Object.entries(
    /** @type {Record<string, RedisMode>} */ ({ 'nest12-ioredis5-cjs': 'acl', 'nest11-ioredis6-esm': 'tls' }),
  ),
);

/** @returns {Cell[]} every cell, those of one installation side by side */
export function allCells() {
  return MAJORS.nest.flatMap((nest) =>
    MAJORS.ioredis.flatMap((ioredis) =>
      FORMATS.map((format) => {
        const name = `${pairName({ nest, ioredis })}-${format}`;
        return { name, nest, ioredis, format, redis: REDIS_MODES.get(name) ?? 'plain' };
      }),
    ),
  );
}

/**
 * @param {readonly Cell[]} cells
 * @returns {Pair[]}
 */
export function pairsOf(cells) {
  /** @type {Map<string, Pair>} */
  const pairs = new Map();
  for (const cell of cells) {
    const name = pairName(cell);
    const pair = pairs.get(name) ?? { name, nest: cell.nest, ioredis: cell.ioredis, cells: [] };
    pair.cells.push(cell);
    pairs.set(name, pair);
  }
  return [...pairs.values()];
}

/** @param {{ nest: number, ioredis: number }} pair */
function pairName({ nest, ioredis }) {
  return `nest${nest}-ioredis${ioredis}`;
}

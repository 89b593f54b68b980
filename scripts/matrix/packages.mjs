import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a throw-away project installs beside the library, from this project's own devDependencies: what the suite
 * imports, the library's peers, the types of Node and of those packages, and what they name as their peers. So a
 * package that the suite starts to use comes along by itself, with the overrides that this project gives it.
 *
 * @param {string} root
 * @param {ReadonlySet<string>} imported names of the packages that the suite imports
 * @param {{ nest: number, ioredis: number }} majors
 * @returns {{ dependencies: Ranges, overrides: Record<string, unknown> }} as package.json has them
 */
export function packagesFor(root, imported, majors) {
  const { devDependencies, peerDependencies, overrides } = readManifest(root);
  const undeclared = [...imported].filter((name) => devDependencies[name] === undefined);
  if (undeclared.length > 0) throw new Error(`test/e2e imports what devDependencies lack: ${undeclared.join(', ')}.`);

  const chosen = new Set([...imported, ...Object.keys(peerDependencies), '@types/node']);
  // A set hands out what is added during the loop too, so peers of peers are found.
  for (const name of chosen) {
    const { peers } = readManifest(join(root, 'node_modules', name));
    for (const more of [...peers, `@types/${name}`]) if (devDependencies[more] !== undefined) chosen.add(more);
  }
  const currentNest = majorOf(devDependencies['@nestjs/core']);
  /** @param {string} name */
  const rangeOf = (name) => {
    const range = devDependencies[name] ?? '';
    if (name === 'ioredis') return `^${majors.ioredis}`;
    if (!name.startsWith('@nestjs/')) return range;
    const admits = readManifest(join(root, 'node_modules', name)).peerDependencies['@nestjs/common'];
    // Some, like @nestjs/schedule, serve several majors of Nest. The others have a major of their own for each.
    if (admits?.includes(`^${majors.nest}.`)) return range;
    return `^${majorOf(range) - currentNest + majors.nest}`;
  };
  return {
    dependencies: Object.fromEntries([...chosen].sort().map((name) => [name, rangeOf(name)])),
    overrides: Object.fromEntries(Object.entries(overrides).filter(([name]) => chosen.has(name))),
  };
}

/**
 * @typedef {Record<string, string>} Ranges
 *
 * @param {string} folder
 * @returns {{ devDependencies: Ranges, peerDependencies: Ranges, overrides: Record<string, unknown>, peers: Set<string> }}
 *   peers: also optional ones, some of which packages name without a range
 */
function readManifest(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { devDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {}, overrides = {} } = manifest;
  const peers = new Set([...Object.keys(peerDependencies), ...Object.keys(peerDependenciesMeta)]);
  return { devDependencies, peerDependencies, overrides, peers };
}

/** @param {string | undefined} range */
function majorOf(range) {
  const [major] = /\d+/.exec(range ?? '') ?? [];
  if (major === undefined) throw new Error(`No major in the version range ${range}.`);
  return Number(major);
}

import { join } from 'node:path';

import { run } from './run-program.mjs';

/** Silent, and nothing that asks a service about the packages. */
const INSTALL_OPTIONS = ['--no-audit', '--no-fund', '--loglevel', 'error'];

/**
 * Builds the library and packs it as `npm publish` would.
 *
 * @param {string} root the folder of the library
 * @param {string} destination where the tarball goes
 * @returns {Promise<{ tarball: string, files: Set<string> }>} its absolute path, and the paths in it
 */
export async function packTarball(root, destination) {
  const output = await run('npm', ['pack', '--json', '--pack-destination', destination], root);
  const [{ filename, files }] = JSON.parse(output);
  const paths = files.map((/** @type {{ path: string }} */ { path }) => path);
  return { tarball: join(destination, filename), files: new Set(paths) };
}

/**
 * Installs packages into a project.
 *
 * @param {string} project its folder, with a package.json
 * @param {readonly string[]} packages as npm takes them: `name@range`, or the path of a tarball
 */
export async function install(project, packages) {
  await run('npm', ['install', ...INSTALL_OPTIONS, ...packages], project);
}

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { install } from '../pack-tarball.mjs';
import { run } from '../run-program.mjs';
import { transpileSuite } from './transpile.mjs';

const LIBRARY = 'nestjs-cache-txn';

const CONSUMER = 'test/matrix/consumer.ts';

/** Strict, and the declarations of the packages are checked too: the library's must stand on each version's. */
const COMPILER_OPTIONS = {
  target: 'ES2023',
  module: 'nodenext',
  types: ['node'],
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: false,
};

/**
 * Makes the throw-away project of a pair of versions: one installation, and a folder for each format in it.
 *
 * @param {string} project
 * @param {string} tarball
 * @param {ReturnType<typeof import('./packages.mjs').packagesFor>} packages
 */
export async function makeProject(project, tarball, packages) {
  mkdirSync(project);
  writeJson(join(project, 'package.json'), { name: 'matrix', private: true, ...packages });
  await install(project, ['--ignore-scripts', tarball]);
}

/**
 * Writes the suite into the folder of its format.
 *
 * @param {object} task
 * @param {string} task.root
 * @param {string} task.project
 * @param {import('./sources.mjs').Suite} task.suite
 * @param {'cjs' | 'esm'} task.format
 * @returns {string} the folder
 */
export function addFormat({ root, project, suite, format }) {
  const folder = join(project, format);
  mkdirSync(folder);
  writeJson(join(folder, 'package.json'), { type: format === 'cjs' ? 'commonjs' : 'module' });
  transpileSuite({ root, suite, format, folder, installed: join(project, 'node_modules', LIBRARY) });
  return folder;
}

/**
 * Compiles an application that uses the public API against the installed declarations.
 *
 * @param {string} root
 * @param {string} folder of a format
 * @returns {Promise<string | undefined>} what the compiler complains about
 */
export async function compileConsumer(root, folder) {
  copyFileSync(join(root, CONSUMER), join(folder, 'consumer.ts'));
  writeJson(join(folder, 'tsconfig.json'), { compilerOptions: COMPILER_OPTIONS, files: ['consumer.ts'] });
  try {
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', folder], folder);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * @param {string} path
 * @param {unknown} value
 */
function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

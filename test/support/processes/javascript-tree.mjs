/**
 * The TypeScript of this project as JavaScript, for the processes that tests start: plain Node runs it. Their sources are not `dist`,
 * since a build that is older than the sources would test yesterday's code; and a loader of TypeScript within each process takes
 * a second of a core that one takes once here, for all of them.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { swcOptions } from '../swc-options.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Below node_modules programs find the packages of the project, and no other tool of it finds them. */
const CACHE = join(root, 'node_modules/.cache/javascript-trees');
const FOLDERS = ['src', 'test', 'scripts'];
/** Nobody runs a tree for so long. */
const OLD_MS = 24 * 3_600_000;

/** @type {Promise<string> | undefined} */
let made;

/**
 * The file of the tree that a source file has become.
 *
 * @param {URL} source
 * @returns {Promise<URL>}
 */
export async function javascriptOf(source) {
  const path = relative(root, fileURLToPath(source));
  return pathToFileURL(join(await javascriptTree(), asJavaScript(path)));
}

/**
 * The folder with what is in the sources now. A program in it imports the library by its name, and gets the sources.
 *
 * @returns {Promise<string>}
 */
export function javascriptTree() {
  made ??= make();
  return made;
}

/**
 * @param {string} source TypeScript
 * @param {string} filename for stack traces
 * @returns {Promise<string>}
 */
export async function transpiled(source, filename) {
  // Only who needs it loads the compiler.
  const { transform } = await import('@swc/core');
  const { code } = await transform(source, {
    ...swcOptions,
    filename,
    sourceMaps: 'inline',
    module: { type: 'es6' },
  });
  return code;
}

/** Two processes may make the same at a time: the second to end throws its own away. */
async function make() {
  const files = FOLDERS.flatMap(filesUnder).sort();
  const contents = new Map(['package.json', ...files].map((path) => [path, readFileSync(join(root, path))]));
  const hash = createHash('sha256');
  for (const [path, content] of contents) hash.update(`${path}\0${content.length}\0`).update(content);
  const tree = join(CACHE, hash.digest('hex').slice(0, 16));
  if (existsSync(tree)) return tree;

  removeOld();
  const unfinished = `${tree}.${process.pid}`;
  await Promise.all(
    [...contents].map(async ([path, content]) => {
      const named = asJavaScript(path);
      const output = join(unfinished, named);
      mkdirSync(dirname(output), { recursive: true });
      if (path === 'package.json') writeFileSync(output, packageOfTree(content.toString()));
      else if (named === path) cpSync(join(root, path), output);
      else writeFileSync(output, await transpiled(content.toString(), join(root, path)));
    }),
  );
  try {
    renameSync(unfinished, tree);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    if (!existsSync(tree)) throw error;
  }
  return tree;
}

/** @param {string} folder */
function filesUnder(folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'));
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** @param {string} path */
function asJavaScript(path) {
  return path.replace(/(?<!\.d)\.ts$/, '.js');
}

/** @param {string} text */
function packageOfTree(text) {
  const { name, type, exports } = JSON.parse(text);
  return JSON.stringify({ name, type, exports }).replaceAll('"./dist/', '"./src/');
}

function removeOld() {
  if (!existsSync(CACHE)) return;
  for (const name of readdirSync(CACHE)) {
    const tree = join(CACHE, name);
    const { mtimeMs } = statSync(tree, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity };
    if (mtimeMs < Date.now() - OLD_MS) rmSync(tree, { recursive: true, force: true });
  }
}

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/**
 * @typedef {{ specifier: string, start: number, end: number }} Reference a module specifier and where its text stands,
 *   without its quotes
 *
 * @typedef {{ text: string, references: Reference[] }} Source
 *
 * @typedef {{ files: Map<string, Source>, packages: Set<string> }} Suite files by their path from the root, in the order
 *   in which they were found; packages are what they import that is neither of Node nor of this project nor of Jest
 */

/** The suite, and the proof that an installation is the one that its cell names. */
const FOLDERS = ['test/e2e', 'test/matrix'];

/** Jest loads it before each spec (jest.config.js), and so does run-spec.mjs. */
export const SETUP_FILE = 'test/support/surface-rejections.ts';

/** Makes JavaScript of the sources for the processes of tests; a throw-away project has nothing else, and gets another one. */
export const JAVASCRIPT_TREE = 'test/support/processes/javascript-tree.mjs';

/** How programs and worker files are named: `new URL('./x.worker.ts', import.meta.url)`; not in a comment. */
const FILE_URL = /^(?!\s*(?:\*|\/\/)).*?new URL\(\s*(['"])(\.[^'"]+)\1,\s*import\.meta\.url/dgm;

/**
 * Everything in the folders of the suite, and whatever those files import or name by URL, but nothing of `src`.
 *
 * @param {string} root
 * @returns {Suite}
 */
export function readSuite(root) {
  /** @type {Suite} */
  const suite = { files: new Map(), packages: new Set() };
  const roots = FOLDERS.flatMap((folder) => filesUnder(root, folder));
  const queue = [...roots, SETUP_FILE];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (suite.files.has(path) || path.startsWith('src/') || path === JAVASCRIPT_TREE) continue;
    const text = readFileSync(join(root, path), 'utf8');
    const references = isScript(path) ? referencesIn(text) : [];
    suite.files.set(path, { text, references });
    for (const { specifier } of references) {
      const target = targetOf(root, path, specifier);
      if (target !== undefined) queue.push(target);
      else if (!isRelative(specifier) && isPackage(specifier)) suite.packages.add(packageName(specifier));
    }
  }
  return suite;
}

/** @param {string} path */
export function isScript(path) {
  return /\.[cm]?[jt]s$/.test(path);
}

/**
 * The file of this project that a specifier names.
 *
 * @param {string} root
 * @param {string} from path of the file that names it
 * @param {string} specifier
 * @returns {string | undefined} its path from the root; undefined for a package, a folder and what does not exist
 */
export function targetOf(root, from, specifier) {
  if (!isRelative(specifier)) return undefined;
  const named = join(dirname(from), specifier);
  // TypeScript names the file it will become.
  return [named, named.replace(/\.js$/, '.ts')].find((path) => {
    return statSync(join(root, path), { throwIfNoEntry: false })?.isFile();
  });
}

/** @param {string} text */
function referencesIn(text) {
  /** @type {Reference[]} */
  const references = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => {
    return { specifier: fileName, start: pos + 1, end: pos + 1 + fileName.length };
  });
  for (const { indices } of text.matchAll(FILE_URL)) {
    const [start, end] = indices?.[2] ?? [0, 0];
    references.push({ specifier: text.slice(start, end), start, end });
  }
  return references;
}

/**
 * @param {string} root
 * @param {string} folder
 */
function filesUnder(root, folder) {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** @param {string} specifier */
function isRelative(specifier) {
  return specifier.startsWith('.');
}

/** @param {string} specifier */
function isPackage(specifier) {
  return !/^(node:|@jest\/globals$|nestjs-cache-txn(\/|$))/.test(specifier);
}

/** @param {string} specifier */
function packageName(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

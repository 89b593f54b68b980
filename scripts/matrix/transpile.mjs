import { transformSync } from '@swc/core';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { swcOptions } from '../../test/support/swc-options.js';
import { isScript, JAVASCRIPT_TREE, targetOf } from './sources.mjs';

/** The stand-in for Jest's globals, taken from where it is: it needs the packages of this project. */
const JEST_GLOBALS = 'scripts/matrix/jest-globals.mjs';

/** Of the library: what the suite calls by its name, and what it reaches into. */
const ENTRIES = new Map([
  ['src/index.ts', 'nestjs-cache-txn'],
  ['src/cls/index.ts', 'nestjs-cache-txn/cls'],
  ['src/msgpack/index.ts', 'nestjs-cache-txn/msgpack'],
  ['src/pg/index.ts', 'nestjs-cache-txn/pg'],
  ['src/testing/index.ts', 'nestjs-cache-txn/testing'],
]);

/**
 * Writes the suite as JavaScript of one format into a folder of a throw-away project. Paths stay what they are, and so
 * do relative imports among the files of the suite. What it imports from `src` comes from the installed package instead.
 *
 * @param {object} task
 * @param {string} task.root
 * @param {import('./sources.mjs').Suite} task.suite
 * @param {'cjs' | 'esm'} task.format
 * @param {string} task.folder
 * @param {string} task.installed the folder of the installed library
 */
export function transpileSuite({ root, suite, format, folder, installed }) {
  for (const [path, source] of suite.files) {
    const output = join(folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(output), { recursive: true });
    if (!isScript(path) || path.endsWith('.mjs') || path.endsWith('.cjs')) {
      cpSync(join(root, path), output);
      continue;
    }
    /** @param {string} target */
    const pathTo = (target) => {
      const to = relative(dirname(output), target);
      return to.startsWith('.') ? to : `./${to}`;
    };
    const text = rewrite(source, (specifier) => {
      if (specifier === '@jest/globals') return pathTo(join(root, JEST_GLOBALS));
      const target = targetOf(root, path, specifier);
      if (target?.startsWith('src/')) {
        const built = join(installed, 'dist', target.slice('src/'.length).replace(/\.ts$/, '.js'));
        return ENTRIES.get(target) ?? pathTo(built);
      }
      return target === undefined ? specifier : specifier.replace(/\.ts$/, '.js');
    });
    const { code } = transformSync(text, {
      ...swcOptions,
      filename: join(root, path),
      sourceMaps: 'inline',
      // `import()` loads both formats from both.
      module: { type: format === 'cjs' ? 'commonjs' : 'es6', ignoreDynamic: true },
    });
    if (format === 'cjs' && code.includes('import.meta')) {
      throw new Error(`${path} uses of import.meta what CommonJS lacks: only import.meta.url has a counterpart.`);
    }
    writeFileSync(output, code);
  }
  writeFileSync(join(folder, JAVASCRIPT_TREE), 'export const javascriptOf = async (file) => file;\n');
}

/**
 * @param {import('./sources.mjs').Source} source
 * @param {(specifier: string) => string} replace
 */
function rewrite({ text, references }, replace) {
  let rewritten = '';
  let done = 0;
  for (const { specifier, start, end } of [...references].sort((a, b) => a.start - b.start)) {
    rewritten += text.slice(done, start) + replace(specifier);
    done = end;
  }
  return rewritten + text.slice(done);
}

/**
 * Lets a plain Node process run this project's TypeScript, as Jest does: `node --import <this file> program.ts`.
 *
 * Worker processes of tests run the sources through this and not `dist`: a build that is older than the sources would
 * test yesterday's code. The file is loaded twice, as Node's module hooks are: first in the program, where it registers
 * itself, then in the thread of the hooks.
 */
import { transformSync } from '@swc/core';
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

import { swcOptions } from './swc-options.js';

if (isMainThread) register(import.meta.url);

const sources = new Map([
  ['nestjs-cache-txn', new URL('../../src/index.ts', import.meta.url).href],
  ['nestjs-cache-txn/testing', new URL('../../src/testing/index.ts', import.meta.url).href],
]);

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, nextResolve) {
  const own = sources.get(specifier);
  if (own !== undefined) return { url: own, shortCircuit: true };
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    // TypeScript names the file it will become.
    if (!specifier.startsWith('.') || !specifier.endsWith('.js')) throw error;
    return nextResolve(`${specifier.slice(0, -'.js'.length)}.ts`, context);
  }
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  const filename = fileURLToPath(url);
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    ...swcOptions,
    filename,
    sourceMaps: 'inline',
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}

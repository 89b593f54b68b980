/**
 * Lets a program of a throw-away project run TypeScript that a test writes there: `node --import <this file> program.ts`.
 * Unlike the loader of test/support, which does the work, it leaves the library's name to the installed package.
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url);

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  // In the thread of the hooks, where it registers nothing.
  const loader = await import('../../test/support/typescript-register.mjs');
  return loader.load(url, context, nextLoad);
}

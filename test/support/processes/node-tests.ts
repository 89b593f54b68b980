import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { javascriptOf } from './javascript-tree.mjs';
import { ownProcess } from './owned-process.js';

/** What the tests of a program say. */
export interface NodeTests {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** What it printed, at most its last 10,000 characters. */
  readonly printed: string;
}

/** Runs a TypeScript program with tests of `node:test`, for what Jest cannot load; suites count as the tests in them. */
export async function runNodeTests(program: URL, withinMs: number): Promise<NodeTests> {
  return runJavaScriptTests(fileURLToPath(await javascriptOf(program)), withinMs);
}

/** The same with a program that is JavaScript already. */
export async function runJavaScriptTests(path: string, withinMs: number): Promise<NodeTests> {
  const args = ['--enable-source-maps', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...args, '--test-reporter=tap', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let tap = '';
  child.stdout.on('data', (chunk: Buffer) => (tap += chunk.toString()));
  const owned = ownProcess(child);
  const stopping = setTimeout(() => void owned.stop(), withinMs);
  await owned.ended;
  clearTimeout(stopping);
  const names = (result: string): string[] =>
    [...tap.matchAll(new RegExp(`^ *${result} \\d+ - (.*)$`, 'gm'))].map(([, name = '']) =>
      name.replaceAll('\\#', '#'),
    );
  return { passed: names('ok'), failed: names('not ok'), printed: owned.output() };
}

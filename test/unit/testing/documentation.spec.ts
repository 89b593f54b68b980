import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { storeConformanceCases } from 'nestjs-cache-txn/testing';
import { ownProcess } from '../../support/owned-process.js';
import { documentedPrograms } from './documented-tests.js';

/** Below node_modules programs find the packages of the project, and no other tool of it finds them. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));
const REGISTER = new URL('../../support/typescript-register.mjs', import.meta.url).href;
/** Two programs that load Nest, on a busy machine. */
const TIMEOUT_MS = 120_000;

let folder: string;

beforeAll(() => {
  mkdirSync(CACHE, { recursive: true });
  folder = mkdtempSync(join(CACHE, 'documentation-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the tests of the program say in TAP: the names that pass, and everything it printed. */
async function run(file: string, source: string): Promise<{ passed: string[]; failed: string[]; printed: string }> {
  const path = join(folder, file);
  writeFileSync(path, source);
  const args = ['--import', REGISTER, '--enable-source-maps', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...args, '--test-reporter=tap', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let tap = '';
  child.stdout.on('data', (chunk: Buffer) => (tap += chunk.toString()));
  const owned = ownProcess(child);
  const stopping = setTimeout(() => void owned.stop(), TIMEOUT_MS - 5_000);
  await owned.ended;
  clearTimeout(stopping);
  const names = (result: string): string[] =>
    [...tap.matchAll(new RegExp(`^${result} \\d+ - (.*)$`, 'gm'))].map(([, name = '']) => name.replaceAll('\\#', '#'));
  return { passed: names('ok'), failed: names('not ok'), printed: owned.output() };
}

/** The names of the tests that stand in the program. */
function titles(source: string): string[] {
  return [...source.matchAll(/^test\('(.*)', async/gm)].map(([, title = '']) => title);
}

describe('docs/testing.md', () => {
  const programs = documentedPrograms();

  it('has its two programs', () => {
    expect(programs.map(({ file }) => file)).toEqual(['seats.test.ts', 'counting-store.test.ts']);
  });

  it(
    'shows tests of an application that pass',
    async () => {
      const { file, source } = programs[0]!;
      expect(titles(source).length).toBeGreaterThan(8);
      const { passed, failed, printed } = await run(file, source);
      expect({ failed, passed, printed: failed.length > 0 ? printed : '' }).toEqual({
        failed: [],
        passed: titles(source),
        printed: '',
      });
    },
    TIMEOUT_MS,
  );

  it(
    'G39: shows how a store proves itself: every conformance case passes',
    async () => {
      const { file, source } = programs[1]!;
      const { passed, failed } = await run(file, source);
      expect(failed).toEqual([]);
      expect(passed).toEqual(storeConformanceCases().map(({ name }) => name));
    },
    TIMEOUT_MS,
  );
});

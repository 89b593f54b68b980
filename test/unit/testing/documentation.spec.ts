import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storeConformanceCases } from 'nestjs-cache-txn/testing';
import { javascriptTree, transpiled } from '../../support/processes/javascript-tree.mjs';
import { type NodeTests, runJavaScriptTests } from '../../support/processes/node-tests.js';
import { type DocumentedProgram, documentedPrograms } from './documented-tests.js';

/** Two programs that load Nest, on a busy machine. */
const TIMEOUT_MS = 120_000;

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(await javascriptTree(), 'documentation-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(file: string, source: string): Promise<NodeTests> {
  const path = join(folder, file.replace(/\.ts$/, '.js'));
  writeFileSync(path, await transpiled(source, file));
  return runJavaScriptTests(path, TIMEOUT_MS - 5_000);
}

/** The names of the tests that stand in the program. */
function titles(source: string): string[] {
  return [...source.matchAll(/^test\('(.*)', async/gm)].map(([, title = '']) => title);
}

async function expectAllPass({ file, source }: DocumentedProgram): Promise<void> {
  const { passed, failed, printed } = await run(file, source);
  expect({ failed, passed, printed: failed.length > 0 ? printed : '' }).toEqual({
    failed: [],
    passed: titles(source),
    printed: '',
  });
}

it(
  'docs/caching.md shows a program whose tests pass',
  async () => {
    const [program, ...more] = documentedPrograms('caching.md');
    expect([titles(program!.source).length, more]).toEqual([13, []]);
    await expectAllPass(program!);
  },
  TIMEOUT_MS,
);

it(
  'docs/recipes.md shows a program whose tests pass',
  async () => {
    const [program, ...more] = documentedPrograms('recipes.md');
    expect([titles(program!.source).length, more]).toEqual([10, []]);
    await expectAllPass(program!);
  },
  TIMEOUT_MS,
);

describe('docs/testing.md', () => {
  const programs = documentedPrograms('testing.md');

  it('has its two programs', () => {
    expect(programs.map(({ file }) => file)).toEqual(['seats.test.ts', 'counting-store.test.ts']);
  });

  it(
    'shows tests of an application that pass',
    async () => {
      expect(titles(programs[0]!.source).length).toBeGreaterThan(8);
      await expectAllPass(programs[0]!);
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

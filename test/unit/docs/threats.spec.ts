import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Where a reader finds the tests of what a caller or neighbour can try, one block for each number. */
const IN_ONE_PLACE = 'test/e2e/threats/';

/** Threats that no caller can try, and that other folders prove. */
const ELSEWHERE = ['S22'];

/** The numbers that begin the rows of docs/threats.md; a row may have several. */
function listed(): string[] {
  const text = readFileSync(join(ROOT, 'docs/threats.md'), 'utf8');
  return [...text.matchAll(/^\| ((?:S\d+, )*S\d+) /gm)].flatMap(([, numbers = '']) => numbers.split(', '));
}

/** The title of a test or of a block of tests, which is the first argument of a call. */
const TITLE = /\(\s*(['"`])((?:(?!\1).)*)\1/g;

/** The files whose titles cite each number. */
function cited(): Map<string, string[]> {
  const files = ['test', 'sample-app/test'].flatMap((folder) => {
    const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    return entries.filter((entry) => entry.endsWith('.spec.ts')).map((entry) => join(folder, entry));
  });
  const citations = new Map<string, string[]>();
  for (const file of files) {
    for (const [, , title = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(TITLE)) {
      for (const [number] of title.matchAll(/\bS\d{2}\b/g))
        citations.set(number, [...(citations.get(number) ?? []), file]);
    }
  }
  return citations;
}

describe('docs/threats.md', () => {
  it('lists each number once, in order', () => {
    expect(listed()).toEqual([...new Set(listed())].sort());
    expect(listed().length).toBeGreaterThan(0);
  });

  it('lists nothing that no test tries, and all of it in one place', () => {
    const citations = cited();
    const isTried = (number: string): boolean =>
      citations.get(number)?.some((file) => ELSEWHERE.includes(number) || file.startsWith(IN_ONE_PLACE)) ?? false;
    expect(listed().filter((number) => !isTried(number))).toEqual([]);
  });

  it('lists everything that a test tries', () => {
    const known = new Set(listed());
    expect([...cited()].filter(([number]) => !known.has(number))).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Every clause of docs/guarantees.md starts a list item with its number in bold. */
function promised(): string[] {
  const text = readFileSync(join(ROOT, 'docs/guarantees.md'), 'utf8');
  return [...text.matchAll(/^- \*\*(G\d+)\*\* /gm)].map(([, number = '']) => number);
}

/** The first words of the title of a test or of a block of tests, which is the first argument of a call. */
const TITLE = /\(\s*['"`]((?:G\d+, )*G\d+): /g;

/** The numbers that the titles of each test file cite: `G4: …` or `G4, G18: …`. */
function cited(): Map<string, string[]> {
  const files = ['test', 'sample-app/test'].flatMap((folder) => {
    const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    return entries.filter((entry) => entry.endsWith('.spec.ts')).map((entry) => join(folder, entry));
  });
  const citations = new Map<string, string[]>();
  for (const file of files) {
    for (const [, numbers = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(TITLE)) {
      for (const number of numbers.split(', ')) citations.set(number, [...(citations.get(number) ?? []), file]);
    }
  }
  return citations;
}

describe('docs/guarantees.md', () => {
  it('numbers its clauses from 1 on, each number once', () => {
    expect(promised()).toEqual(promised().map((_, i) => `G${i + 1}`));
    expect(promised().length).toBeGreaterThan(0);
  });

  it('promises nothing that no test cites', () => {
    const citations = cited();
    expect(promised().filter((number) => !citations.has(number))).toEqual([]);
  });

  it('has every clause that a test cites', () => {
    const known = new Set(promised());
    const unknown = [...cited()].filter(([number]) => !known.has(number));
    expect(unknown).toEqual([]);
  });
});

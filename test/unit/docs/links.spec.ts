import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function documents(): string[] {
  const inDocs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) =>
    join('docs', file),
  );
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'sample-app/README.md', 'bench/README.md', ...inDocs].filter(
    (file) => file.endsWith('.md'),
  );
}

/** The files that a document links to, relative to itself. */
function linksOf(file: string): string[] {
  const links = readFileSync(join(ROOT, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g);
  return [...links].map(([, link = '']) => link);
}

describe('the documents', () => {
  it('link to files that exist', () => {
    const links = documents().flatMap((file) => linksOf(file).map((link) => ({ file, link })));
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter(({ file, link }) => !existsSync(join(ROOT, dirname(file), link)))).toEqual([]);
  });
});

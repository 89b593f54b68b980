import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

const PACKAGE = new URL('../../../package.json', import.meta.url);

interface Manifest {
  readonly types: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  readonly typesVersions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

describe('package.json', () => {
  it('has the types of every entry also for moduleResolution node10, which reads no exports', () => {
    const { types, exports, typesVersions } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as Manifest;
    const entries = Object.entries(exports).flatMap(([path, entry]) =>
      typeof entry === 'string' ? [] : [[path.slice(2), entry.types] as const],
    );
    expect(entries.length).toBeGreaterThan(1);
    const found = Object.fromEntries(
      entries.map(([path]) => [path, path === '' ? types : typesVersions['*']?.[path]?.[0]]),
    );
    expect(found).toEqual(Object.fromEntries(entries));
  });
});

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a page of the documentation. */
export function pathOf(page: string): string {
  return fileURLToPath(new URL(`../../../docs/${page}`, import.meta.url));
}

/** A program of a page: its `ts` blocks from one that names a file in its first line to the next that does. */
export interface DocumentedProgram {
  readonly file: string;
  readonly source: string;
}

export function documentedPrograms(page: string): readonly DocumentedProgram[] {
  const programs: { file: string; source: string }[] = [];
  for (const [, source = ''] of readFileSync(pathOf(page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const [, file] = /^\/\/ ([\w-]+\.test\.ts)\n/.exec(source) ?? [];
    const last = programs.at(-1);
    if (file !== undefined) programs.push({ file, source });
    else if (last === undefined) throw new Error(`the first ts block of docs/${page} names no file`);
    else last.source += `\n${source}`;
  }
  return programs;
}

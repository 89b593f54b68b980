import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PAGE = fileURLToPath(new URL('../../../docs/testing.md', import.meta.url));

/** A program of the page: its `ts` blocks from one that names a file in its first line to the next that does. */
export interface DocumentedProgram {
  readonly file: string;
  readonly source: string;
}

export function documentedPrograms(): readonly DocumentedProgram[] {
  const programs: { file: string; source: string }[] = [];
  for (const [, source = ''] of readFileSync(PAGE, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const [, file] = /^\/\/ ([\w-]+\.test\.ts)\n/.exec(source) ?? [];
    const last = programs.at(-1);
    if (file !== undefined) programs.push({ file, source });
    else if (last === undefined) throw new Error('the first ts block of docs/testing.md names no file');
    else last.source += `\n${source}`;
  }
  return programs;
}

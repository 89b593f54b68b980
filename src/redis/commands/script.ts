import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua file as the server gets it: its includes put in place, and the SHA-1 by which EVALSHA names it. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
}

const DIRECTORY = new URL('../scripts/', import.meta.url);
const INCLUDE = /^--#include (\S+)$/gm;

/** Reads `scripts/<name>.lua`; a line `--#include lib/x.lua` is replaced by that file. */
export function loadScript(name: string): Script {
  const source = read(`${name}.lua`).replace(INCLUDE, (_line, path: string) => read(path));
  return { name, source, sha1: createHash('sha1').update(source).digest('hex') };
}

function read(path: string): string {
  return readFileSync(new URL(path, DIRECTORY), 'utf8');
}

import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';

import { loadScript } from '../../src/redis/commands/script.js';

const FOLDER = new URL('../../src/redis/scripts/', import.meta.url);
const filesOf = (folder: string): string[] =>
  readdirSync(new URL(folder, FOLDER)).filter((name) => name.endsWith('.lua'));
const read = (path: string): string => readFileSync(new URL(path, FOLDER), 'utf8');

const scripts = filesOf('./');
const libraries = filesOf('./lib/').map((name) => `lib/${name}`);

/** Code without comments and texts: what the checks below are about. */
const codeOf = (source: string): string => source.replace(/--.*$/gm, '').replace(/'[^']*'/g, "''");

describe('the Lua files', () => {
  it('are the operations of the port and what they share', () => {
    expect(scripts).toEqual([
      'commit-resolve.lua',
      'commit.lua',
      'decide.lua',
      'decision-ask.lua',
      'fill-lease.lua',
      'fill.lua',
      'lock-acquire.lua',
      'lock-force-release.lua',
      'lock-inspect.lua',
      'lock-release.lua',
      'lock-renew.lua',
      'member-leave.lua',
      'member-look.lua',
      'prepare.lua',
      'roll-answer.lua',
      'roll-call.lua',
      'roll-conclude.lua',
      'roll-read.lua',
      'settle.lua',
      'transaction-list.lua',
      'transaction-open.lua',
      'transaction-overdue.lua',
    ]);
    expect(libraries).toEqual([
      'lib/entry.lua',
      'lib/hold.lua',
      'lib/queue.lua',
      'lib/roll.lua',
      'lib/tell.lua',
      'lib/time.lua',
    ]);
  });

  it.each(scripts)('%s has a header: purpose, why it is atomic, KEYS, ARGV, RETURNS, WRITES', (file) => {
    const [, purpose = '', ...rest] = read(file).split('\n');
    const end = rest.findIndex((line) => !line.startsWith('-- '));
    const header = rest.slice(0, end);
    expect(purpose).toMatch(/^-- [A-Z].*\.$/s);
    for (const part of [/^-- Atomic because ./, /^-- KEYS {4}./, /^-- ARGV {4}./, /^-- RETURNS ./, /^-- WRITES {2}./]) {
      expect(header.filter((line) => part.test(line))).toHaveLength(1);
    }
  });

  it.each(scripts)('%s says whether it may be sent twice, unless it writes nothing', (file) => {
    const header = read(file).split('\n--#include')[0]!;
    if (!/^-- WRITES {2}nothing$/m.test(header)) expect(header).toMatch(/^-- .*[Ii]dempotent/m);
  });

  it.each(scripts)('%s begins with #!lua, so that a full server refuses it before its first write', (file) => {
    expect(read(file).split('\n')[0]).toMatch(/^#!lua( flags=(allow-oom|no-writes))?$/);
    expect(loadScript(file.replace('.lua', '')).source.match(/#!lua/g)).toHaveLength(1);
  });

  it.each([...scripts, ...libraries])('%s has at most 80 lines', (file) => {
    expect(read(file).trimEnd().split('\n').length).toBeLessThanOrEqual(80);
  });

  it.each([...scripts, ...libraries])('%s knows no clock but the server’s TIME, and no chance', (file) => {
    expect(codeOf(read(file))).not.toMatch(/\bos\s*\.|math\.random|randomseed/);
    expect(read(file)).not.toMatch(/SPOP|SRANDMEMBER|RANDOMKEY|HRANDFIELD/i);
    if (file !== 'lib/time.lua') expect(read(file)).not.toContain("'TIME'");
  });

  it.each([...scripts, ...libraries])('%s takes every key from KEYS, and touches none by a text of its own', (file) => {
    const calls = [...read(file).matchAll(/redis\.p?call\('(\w+)'(?:,\s*([^,)]+))?/g)].map(([, name, key]) => [
      name,
      key,
    ]);
    const keyless = calls.filter(([name]) => name !== 'TIME' && name !== 'PUBLISH');
    const derived = keyless.filter(([, key]) => key !== 'key' && !/^KEYS\[\w+( \+ 1)?\]$/.test(key ?? ''));
    expect(derived).toEqual([]);
  });

  it.each([...scripts, ...libraries])(
    '%s keeps to Lua that Redis does not switch off: no globals, no loading of code',
    (file) => {
      expect(codeOf(read(file))).not.toMatch(/\b(loadstring|dofile|require|setfenv|getfenv|_G)\b/);
    },
  );
});

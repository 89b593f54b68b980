import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { loadScript } from '../../../src/redis/commands/script.js';

const FOLDER = new URL('../../../src/redis/scripts/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, FOLDER), 'utf8');

describe('loadScript', () => {
  it('puts each included file, once and unchanged, in the place of its line', () => {
    const [before = '', between = '', after = ''] = read('lock-renew.lua').split(/^--#include \S+$/m);
    const expected = before + read('lib/time.lua') + between + read('lib/hold.lua') + after;
    expect(loadScript('lock-renew').source).toBe(expected);
  });

  it('leaves a file without includes as it is', () => {
    expect(loadScript('commit-resolve').source).toBe(read('commit-resolve.lua'));
  });

  it('names the script by the SHA-1 of what is sent, includes and all', () => {
    const { name, source, sha1 } = loadScript('commit');
    expect(name).toBe('commit');
    expect(sha1).toBe(createHash('sha1').update(source, 'utf8').digest('hex'));
  });

  it('fails for a script that does not exist', () => {
    expect(() => loadScript('lock-steal')).toThrow(/lock-steal\.lua/);
  });
});

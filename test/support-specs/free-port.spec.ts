import { describe, expect, it } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/servers/free-port.js';

describe('a free port', () => {
  it('is chosen by one test only, while that test lives', async () => {
    const ports = await Promise.all(Array.from({ length: 500 }, () => freePort()));
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('is chosen beside thousands that other processes have', async () => {
    const folder = join(tmpdir(), 'cache-txn-ports');
    mkdirSync(folder, { recursive: true });
    // Even ports, as if the test runner itself, which lives, had chosen them.
    const taken = Array.from({ length: 5_000 }, (_, i) => join(folder, String(10_240 + 2 * i)));
    const own = taken.filter((file) => {
      try {
        writeFileSync(file, String(process.ppid), { flag: 'wx' });
        return true;
      } catch {
        return false; // Somebody really has it.
      }
    });
    try {
      const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
      expect(ports.filter((port) => port % 2 === 0)).toEqual([]);
    } finally {
      for (const file of own) rmSync(file, { force: true });
    }
  });
});

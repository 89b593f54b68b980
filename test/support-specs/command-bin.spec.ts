import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addressList } from '../support/processes/command-run.js';
import { type RedisServer, startRedisServer } from '../support/servers/redis-server.js';

const ROOT = new URL('../../', import.meta.url);

/** What package.json names, in the build, as a process of its own. */
function run(
  ...args: readonly string[]
): Promise<{ readonly code: unknown; readonly out: string; readonly err: string }> {
  const { bin } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { bin: Record<string, string> };
  const file = fileURLToPath(new URL(bin['nestjs-cache-txn'] ?? '', ROOT));
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { timeout: 20_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : error.code, out, err });
    });
  });
}

describe('the program that the package installs', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer({ access: 'plain' });
  });
  afterAll(() => server.stop());

  it('looks at a server, prints, and ends by itself with an exit code', async () => {
    const { code, out, err } = await run('doctor', '--url', `redis://${addressList([server])}`);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^ok +127\.0\.0\.1:\d+ +version +Redis \d/);
    const wrong = await run('doctor', '--nothing');
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toMatch(/Unknown option '--nothing'/);
  });
});

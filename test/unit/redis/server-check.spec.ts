import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';

import { CommandRunner } from '../../../src/redis/commands/command-runner.js';
import { resolveSettings } from '../../../src/redis/redis-store.options.js';
import { checkServers, evictionComplaint, parseInfo } from '../../../src/redis/connection/server-check.js';

const lines = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');

/** What the check makes of a server that answers INFO with these fields. */
async function check(
  fields: Readonly<Record<string, string>>,
  onEviction: 'warn' | 'refuse' = 'warn',
): Promise<string[]> {
  const client = { status: 'ready', info: async () => `# Server\r\n${lines(fields)}` } as unknown as Redis;
  const warnings: string[] = [];
  await checkServers(new CommandRunner(client, 1_000), resolveSettings({ onEviction }), (line) => warnings.push(line));
  return warnings;
}

describe('parseInfo', () => {
  it('reads name:value lines, keeps colons in values and skips headings', () => {
    const info = parseInfo('# Server\r\nredis_version:7.0.15\r\nexecutable:C:/bin\r\n\r\n# Memory\r\nempty:\r\n');
    expect([...info]).toEqual([
      ['redis_version', '7.0.15'],
      ['executable', 'C:/bin'],
      ['empty', ''],
    ]);
  });
});

describe('evictionComplaint', () => {
  it.each(['allkeys-lru', 'allkeys-random', 'volatile-lru', 'volatile-ttl'])(
    'names %s with a memory limit',
    (policy) => {
      const complaint = evictionComplaint(
        new Map([
          ['maxmemory', '1048576'],
          ['maxmemory_policy', policy],
        ]),
      );
      expect(complaint).toContain(policy);
      expect(complaint).toContain('1048576');
    },
  );

  it.each([
    ['0', 'allkeys-lru'],
    ['1048576', 'noeviction'],
  ])('has nothing against maxmemory %s with %s', (maxmemory, policy) => {
    expect(
      evictionComplaint(
        new Map([
          ['maxmemory', maxmemory],
          ['maxmemory_policy', policy],
        ]),
      ),
    ).toBeUndefined();
  });

  it('has nothing against a server that does not tell', () => {
    expect(evictionComplaint(new Map())).toBeUndefined();
  });
});

describe('checkServers', () => {
  it.each(['7.0.0', '7.0.15', '7.4.1', '8.2.0', '10.0.0'])('accepts Redis %s', async (version) => {
    expect(await check({ redis_version: version })).toEqual([]);
  });

  it.each(['6.2.14', '5.0.3', '2.8.0', 'unstable', ''])(
    'refuses Redis %j with the version that is needed',
    async (version) => {
      await expect(check({ redis_version: version })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringMatching(/too old.*needs Redis 7\.0 or Valkey/),
      });
    },
  );

  it('refuses a server that does not tell its version', async () => {
    await expect(check({})).rejects.toMatchObject({ code: 'INVALID_OPTIONS', details: { version: 'unknown' } });
  });

  it('accepts Valkey, which tells an old version of Redis for old clients', async () => {
    expect(await check({ redis_version: '6.2.0', valkey_version: '8.0.1' })).toEqual([]);
  });

  const evicting = { redis_version: '7.0.15', maxmemory: '1048576', maxmemory_policy: 'allkeys-lru' };

  it('warns once of a server that may evict locks', async () => {
    expect(await check(evicting, 'warn')).toEqual([expect.stringContaining('may evict locks')]);
  });

  it('refuses it when it shall', async () => {
    await expect(check(evicting, 'refuse')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      details: { option: 'onEviction' },
    });
  });
});

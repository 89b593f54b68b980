import { InvalidOptionsError } from '../base/errors.js';
import type { CommandRunner } from './command-runner.js';
import { mastersOf } from './connection.js';
import type { ResolvedSettings } from './redis-store.options.js';

/** The first Redis whose scripts may carry flags, which make an out-of-memory server refuse them before any write. */
const OLDEST_MAJOR = 7;

/**
 * Looks at every master once: version, and whether it may evict locks.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` for a server too old, or one that evicts when `onEviction` is `refuse`
 */
export async function checkServers(
  runner: CommandRunner,
  settings: ResolvedSettings,
  warn: (message: string) => void,
): Promise<void> {
  for (const master of mastersOf(runner.client)) {
    const info = parseInfo(await runner.run('INFO', () => master.info()));
    checkVersion(info);
    const complaint = evictionComplaint(info);
    if (complaint === undefined) continue;
    if (settings.onEviction === 'refuse')
      throw new InvalidOptionsError(complaint, { details: { option: 'onEviction' } });
    warn(complaint);
  }
}

function checkVersion(info: ReadonlyMap<string, string>): void {
  if (info.has('valkey_version')) return;
  const version = info.get('redis_version') ?? 'unknown';
  if (Number(version.split('.')[0]) >= OLDEST_MAJOR) return;
  throw new InvalidOptionsError(
    `Redis ${version} is too old: nestjs-cache-txn needs Redis ${OLDEST_MAJOR}.0 or Valkey, for script flags`,
    {
      details: { version },
    },
  );
}

/** What is wrong with the eviction settings, or undefined. */
export function evictionComplaint(info: ReadonlyMap<string, string>): string | undefined {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  const limit = info.get('maxmemory') ?? '0';
  if (limit === '0' || policy === 'noeviction') return undefined;
  return (
    `Redis may evict locks: maxmemory-policy is ${policy} with maxmemory ${limit}. A lock that is evicted is lost, ` +
    'which its holder learns only at its next renewal. Set maxmemory-policy noeviction, or give locks a Redis of their own.'
  );
}

/** The `name:value` lines of an INFO answer. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

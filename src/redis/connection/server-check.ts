import { InvalidOptionsError } from '../../base/errors.js';
import type { CommandRunner } from '../commands/command-runner.js';
import { mastersOf } from './connection.js';
import type { ResolvedSettings } from '../redis-store.options.js';

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

/**
 * Run id and replication id of all masters: a server gets another run id when it restarts, and whoever is promoted, again or for the
 * first time, begins another history of writes.
 * @throws StoreUnavailableError, StoreTimeoutError when one of them does not answer
 */
export async function identityOf(runner: CommandRunner): Promise<string> {
  const infos = await Promise.all(
    mastersOf(runner.client).map((master) => runner.run('INFO', () => master.info('server', 'replication'))),
  );
  const ids = infos.map((text) => {
    const info = parseInfo(text);
    return `${info.get('run_id') ?? ''}:${info.get('master_replid') ?? ''}`;
  });
  return ids.sort().join(' ');
}

function checkVersion(info: ReadonlyMap<string, string>): void {
  const complaint = versionComplaint(info);
  if (complaint === undefined) return;
  throw new InvalidOptionsError(complaint, { details: { version: info.get('redis_version') ?? 'unknown' } });
}

/** What is wrong with the version, or undefined. */
export function versionComplaint(info: ReadonlyMap<string, string>): string | undefined {
  if (info.has('valkey_version')) return undefined;
  const version = info.get('redis_version') ?? 'unknown';
  if (Number(version.split('.')[0]) >= OLDEST_MAJOR) return undefined;
  return `Redis ${version} is too old: nestjs-cache-txn needs Redis ${OLDEST_MAJOR}.0 or Valkey, for script flags`;
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

import { readFileSync } from 'node:fs';
import { type Duration, toMs } from '../base/duration.js';
import type { RedisStoreOptions } from '../redis/redis-store.options.js';
import { KeySpace } from '../store/key-space.js';
import type { CommandContext, Values } from './command.js';
import { asUsage, UsageError } from './usage-error.js';

/** The options of every command that speaks to Redis. */
export const CONNECTION_OPTIONS = {
  url: { type: 'string' },
  cluster: { type: 'string' },
  sentinel: { type: 'string' },
  'sentinel-name': { type: 'string' },
  username: { type: 'string' },
  tls: { type: 'boolean' },
  ca: { type: 'string' },
  namespace: { type: 'string' },
  timeout: { type: 'string' },
} as const;

/** Where they stand in `--help`. */
export const CONNECTION_HELP = `Where Redis is (one of them; default: the environment's REDIS_URL):
  --url redis://host:6379      one server; rediss:// for TLS
  --cluster host:port,…        a cluster, by some of its nodes
  --sentinel host:port,…       the sentinels of a group, with
  --sentinel-name main         its name

  --username shop              the user, unless the URL names one; the password comes from
                               the URL or from the environment's REDIS_PASSWORD
                               (REDIS_SENTINEL_PASSWORD for the sentinels)
  --tls                        speak TLS; implied by rediss:// and --ca
  --ca file.pem                trust this authority
  --namespace shop             as in forRoot({ namespace }); default ctx
  --timeout 2s                 how long one answer may take; 10ms to 1m`;

/** What the command line says about the server. */
export interface Connection {
  readonly options: RedisStoreOptions;
  readonly namespace: string;
  readonly timeoutMs: number;
}

/** The start may take longer than one command: names are looked up, and several nodes tried. */
const LEAST_START_MS = 2_000;

/** @throws UsageError; no message repeats an address, which may carry a password */
export function connectionOf(values: Values<typeof CONNECTION_OPTIONS>, env: CommandContext['env']): Connection {
  const { namespace = 'ctx', timeout = '2s' } = values;
  asUsage(() => new KeySpace(namespace));
  const timeoutMs = asUsage(() => toMs(timeout as Duration, '--timeout', { min: 10, max: 60_000 }));
  const settings = { commandTimeout: timeoutMs, startTimeout: Math.max(LEAST_START_MS, 2 * timeoutMs) };
  return { options: { ...placeOf(values, env), ...settings }, namespace, timeoutMs };
}

function placeOf(values: Values<typeof CONNECTION_OPTIONS>, env: CommandContext['env']): RedisStoreOptions {
  const { cluster, sentinel, username } = values;
  const given = [values.url, cluster, sentinel].filter((place) => place !== undefined);
  if (given.length > 1) throw new UsageError('give one of --url, --cluster and --sentinel');
  if (values['sentinel-name'] !== undefined && sentinel === undefined) {
    throw new UsageError('--sentinel-name goes with --sentinel');
  }
  const password = env['REDIS_PASSWORD'];
  const tls = tlsOf(values);
  const security = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && password !== '' && { password }),
    ...(tls && { tls }),
  };
  if (cluster !== undefined)
    return { cluster: { nodes: addresses(cluster, '--cluster'), options: { redisOptions: security } } };
  if (sentinel !== undefined) {
    const name = values['sentinel-name'];
    if (name === undefined) throw new UsageError('--sentinel needs --sentinel-name, the name of the group');
    const sentinelPassword = env['REDIS_SENTINEL_PASSWORD'];
    return {
      sentinel: {
        sentinels: addresses(sentinel, '--sentinel'),
        name,
        ...security,
        ...(sentinelPassword !== undefined && { sentinelPassword }),
        ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
      },
    };
  }
  const url = values.url ?? env['REDIS_URL'];
  if (url === undefined || url === '') throw new UsageError('where is Redis? Give --url, --cluster or --sentinel');
  checkUrl(url, values.url === undefined ? 'REDIS_URL' : '--url');
  return { url, ...security };
}

function tlsOf({ tls = false, ca }: Values<typeof CONNECTION_OPTIONS>): { ca?: Buffer } | undefined {
  if (ca === undefined) return tls ? {} : undefined;
  try {
    return { ca: readFileSync(ca) };
  } catch (error) {
    const { code = 'unreadable' } = error as { code?: string };
    throw new UsageError(`--ca: the file cannot be read (${code})`, { cause: error });
  }
}

function checkUrl(text: string, option: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '') return;
  throw new UsageError(`${option}: it is no URL such as redis://host:6379 or rediss://user:password@host:6379/0`);
}

function addresses(list: string, option: string): { host: string; port: number }[] {
  return list.split(',').map((text, i) => {
    const [, host = '', port = ''] = /^\s*(\[[0-9a-fA-F:.]+\]|[^\s:[\]@/]+):(\d{1,5})\s*$/.exec(text) ?? [];
    if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
      throw new UsageError(`${option}: address ${i + 1} is not host:port`);
    }
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  });
}

import { Redis, type ClusterNode, type RedisOptions } from 'ioredis';

import type { RedisConnectionOptions, RedisStoreOptions } from '../../../src/redis/redis-store.options.js';
import { makeCertificate, type Certificate } from './certificate.js';
import { DOCUMENTED_PASSWORD } from './documented-user.js';
import { LOOPBACK } from './start-server.js';

/**
 * How the library reaches the servers of the tests.
 * `plain`: without a password. `acl`: as the least-privilege user of docs/operations.md. `tls`: over TLS only.
 */
export type RedisAccess = (typeof ACCESSES)[number];

const ACCESSES = ['plain', 'acl', 'tls'] as const;

/** What `CACHE_TXN_E2E_REDIS` says; default `plain`. */
export function redisAccess(): RedisAccess {
  const given = process.env['CACHE_TXN_E2E_REDIS'] ?? 'plain';
  const access = ACCESSES.find((name) => name === given);
  if (access === undefined) throw new Error(`CACHE_TXN_E2E_REDIS is ${given}; it can be ${ACCESSES.join(', ')}`);
  return access;
}

/** The reply mapping is part of a client's type. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** Where a server of the tests is, or will be. */
export interface ServerAddress {
  readonly host?: string;
  readonly port: number;
  /** Default: what the environment says. */
  readonly access?: RedisAccess;
}

/** The user as whom the library connects under `acl`. */
export const LIBRARY_USER = 'library';

let certificate: Certificate | undefined;

/** The certificate of all servers of this process, for the loopback address and `localhost`. */
export function serverCertificate(): Certificate {
  certificate ??= makeCertificate(`IP:${LOOPBACK}`, 'DNS:localhost');
  return certificate;
}

/** How the library connects to a server, as the user it has there. */
export function storeOptions({ host = LOOPBACK, port, access = redisAccess() }: ServerAddress): RedisConnectionOptions {
  return { host, port, ...credentials(access) };
}

/** The same with a URL; of another user, or of a database other than 0, when given. */
export function storeUrl(
  { host = LOOPBACK, port, access = redisAccess() }: ServerAddress,
  over: { readonly username?: string; readonly password?: string; readonly path?: `/${number}` } = {},
): RedisConnectionOptions & { readonly url: string } {
  const { tls, username, password, path = '' } = { ...credentials(access), ...over };
  const user = username === undefined ? '' : `${username}:${password}@`;
  return { url: `${tls ? 'rediss' : 'redis'}://${user}${host}:${port}${path}`, ...(tls && { tls }) };
}

/** How the library connects to a cluster. */
export function clusterStoreOptions({ nodes }: { readonly nodes: readonly ServerAddress[] }): {
  readonly cluster: { readonly nodes: ClusterNode[]; readonly options: { readonly redisOptions: Credentials } };
} {
  return {
    cluster: {
      nodes: nodes.map(({ host = LOOPBACK, port }) => ({ host, port })),
      options: { redisOptions: credentials(redisAccess()) },
    },
  };
}

/** How the library connects to what a sentinel watches. */
export function sentinelStoreOptions(group: {
  readonly sentinel: ServerAddress;
  readonly name: string;
}): Extract<RedisStoreOptions, { sentinel: unknown }> {
  const { host = LOOPBACK, port } = group.sentinel;
  const { tls, ...user } = credentials(redisAccess());
  const overTls = tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true };
  return { sentinel: { sentinels: [{ host, port }], name: group.name, ...user, ...overTls } };
}

/** How a test connects that looks at a server, or disturbs it: as the administrator. */
export function observerOptions({ host = LOOPBACK, port, access = redisAccess() }: ServerAddress): ClientOptions {
  const { tls } = credentials(access);
  return { host, port, ...(tls && { tls }) };
}

/** A client of the administrator. */
export function observer(server: ServerAddress, over: ClientOptions = {}): Redis {
  return new Redis({ ...observerOptions(server), ...over });
}

type Credentials = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

function credentials(access: RedisAccess): Credentials {
  if (access === 'acl') return { username: LIBRARY_USER, password: DOCUMENTED_PASSWORD };
  return access === 'tls' ? { tls: { ca: serverCertificate().cert } } : {};
}

import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';

import { adviceOn, reasonOf, silenceOf, speaksTls } from '../../../src/redis/connection/connection-advice.js';

const clients: (Redis | Cluster)[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function opened<C extends Redis | Cluster>(client: C): C {
  clients.push(client);
  return client;
}

describe('what to do about a server that does not let a client in', () => {
  it.each<[string, boolean, RegExp]>([
    ['WRONGPASS invalid username-password pair or user is disabled.', false, /^check user and password/],
    ['Failed to refresh slots cache. (WRONGPASS invalid)', true, /^check user and password/],
    ['NOAUTH Authentication required.', false, /^it asks for a password/],
    ['it accepts connections but does not answer the TLS handshake', true, /takes redis:\/\//],
    ['write EPROTO 00:error:0A00010B:SSL routines:ssl3_get_record:wrong version number', true, /takes redis:\/\//],
    ['Failed to refresh slots cache. (timeout)', true, /takes redis:\/\//],
    ['read ECONNRESET', true, /takes redis:\/\//],
    ['read ECONNRESET', false, /give rediss:\/\//],
    ['it closes connections without an answer', true, /takes redis:\/\//],
    ['it closes connections without an answer', false, /give rediss:\/\//],
    ['self-signed certificate', true, /tls\.ca/],
    ['unable to verify the first certificate', true, /tls\.ca/],
    ['ERR This instance has cluster support disabled', false, /^it is no cluster/],
    ['connect ECONNREFUSED 127.0.0.1:6379', false, /^nothing listens there: is Redis running/],
    ['it accepts connections but does not answer', false, /^check its address$/],
    ['getaddrinfo ENOTFOUND cache.example', true, /^check its address$/],
  ])('that said %j (TLS: %p)', (reason, hasTls, expected) => {
    expect(adviceOn(reason, hasTls)).toMatch(expected);
  });
});

describe('the reason that an error tells', () => {
  it.each([
    ["Stream isn't writeable and enableOfflineQueue options is false", 'it closes connections without an answer'],
    ['Reached the max retries per request limit (which is 0). Refer to ...', 'it closes connections without an answer'],
    ['read ECONNRESET', 'read ECONNRESET'],
  ])('of %j', (message, expected) => {
    expect(reasonOf(new Error(message))).toBe(expected);
  });
});

describe('a client', () => {
  it.each<[string, () => Redis | Cluster, boolean]>([
    ['rediss://', () => new Redis('rediss://127.0.0.1:1', { lazyConnect: true }), true],
    ['redis://', () => new Redis('redis://127.0.0.1:1', { lazyConnect: true }), false],
    ['a tls option', () => new Redis({ port: 1, tls: {}, lazyConnect: true }), true],
    ['a cluster with TLS', () => new Cluster([], { redisOptions: { tls: {} }, lazyConnect: true }), true],
    ['a cluster', () => new Cluster([], { lazyConnect: true }), false],
  ])('of %s speaks TLS or not', (_what, make, expected) => {
    expect(speaksTls(opened(make()))).toBe(expected);
  });

  it('that is on its way to a server has made no connection', () => {
    const client = opened(new Redis({ port: 1, lazyConnect: true, retryStrategy: () => null }));
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    expect([client.status, silenceOf(client)]).toEqual(['connecting', 'no connection was made']);
  });
});

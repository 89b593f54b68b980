import type { Cluster, Redis } from 'ioredis';
import { isCluster } from './connection.js';

interface Advice {
  readonly sign: RegExp;
  /** Only where the client speaks TLS, or only where it does not; default both. */
  readonly hasTls?: boolean;
  readonly advice: string;
}

/** The first that fits counts. */
const ADVICE: readonly Advice[] = [
  { sign: /\bWRONGPASS\b/, advice: 'check user and password; without a user it is the password of the user default' },
  { sign: /\bNOAUTH\b/, advice: 'it asks for a password: give user and password, in the URL or beside it' },
  {
    sign: /wrong version number|EPROTO|ECONNRESET|EPIPE|closes connections|no answer|not answer|timeout/i,
    hasTls: true,
    advice: 'does it speak TLS? A server without it takes redis:// and no tls option',
  },
  {
    sign: /ECONNRESET|EPIPE|closes connections/,
    hasTls: false,
    advice: 'does it speak TLS alone? Then give rediss:// or a tls option',
  },
  {
    sign: /self-signed|unable to (?:get|verify)/i,
    advice: "name the authority of the server's certificate, in tls.ca or with --ca",
  },
  { sign: /ECONNREFUSED/, advice: 'nothing listens there: is Redis running, and is this its address?' },
  { sign: /cluster support disabled/, advice: 'it is no cluster: give its url, or host and port' },
];

/** What to do about a server that did not let a client in, in one clause; `reason` is what the client or the server said. */
export function adviceOn(reason: string, hasTls: boolean): string {
  const found = ADVICE.find((advice) => advice.sign.test(reason) && (advice.hasTls ?? hasTls) === hasTls);
  return found?.advice ?? 'check its address';
}

/** What ioredis 5 says, of its own options, where ioredis 6 tells of the reset: the server closes what it has accepted. */
const CLOSED = /max retries per request|isn't writeable/;

/** What an error says of the server that did not let a client in. */
export function reasonOf({ message }: Error): string {
  return CLOSED.test(message) ? 'it closes connections without an answer' : message;
}

/** How far a client has come that nobody has told of a failure. */
export function silenceOf(client: Redis | Cluster): string {
  if (!isCluster(client) && client.status === 'connecting') {
    // Missing before the first connection, whatever the type says.
    const stream = client.stream as Redis['stream'] | undefined;
    if (stream?.connecting !== false) return 'no connection was made';
    if (speaksTls(client)) return 'it accepts connections but does not answer the TLS handshake';
  }
  return 'it accepts connections but does not answer';
}

/** Whether a client speaks TLS with its servers. */
export function speaksTls(client: Redis | Cluster): boolean {
  const { tls } = (isCluster(client) ? client.options.redisOptions : client.options) ?? {};
  return tls !== undefined;
}

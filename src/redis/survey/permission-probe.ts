import { createHash } from 'node:crypto';
import type { SurveyConnection } from './survey-connection.js';

const SCRIPT = '#!lua flags=no-writes\nreturn 1';

/** How long the one key that is written may stay when nobody can take it away. */
const KEPT_MS = '10000';

/**
 * Every command of docs/operations.md that the library's user needs on a connection of its own, in a form that changes
 * nothing: on a key that is absent, or with an argument that the command refuses after the permission was looked at. `SET` writes
 * a key of its own, which gives `HSETNX` something to be refused at, and `UNLINK` takes it away.
 */
export const PROBES: Readonly<Record<string, (names: ProbeNames) => readonly string[]>> = {
  evalsha: () => [createHash('sha1').update(SCRIPT).digest('hex'), '0'],
  eval: () => [SCRIPT, '0'],
  hmget: ({ absent }) => [absent, 'v'],
  hget: ({ absent }) => [absent, 'v'],
  hgetall: ({ absent }) => [absent],
  hset: ({ absent }) => [absent, 'v', '1', 'without a value'],
  hdel: ({ absent }) => [absent, 'v'],
  hlen: ({ absent }) => [absent],
  hincrby: ({ absent }) => [absent, 'v', 'no number'],
  get: ({ absent }) => [absent],
  exists: ({ absent }) => [absent],
  pexpire: ({ absent }) => [absent, '1'],
  pexpireat: ({ absent }) => [absent, '1'],
  pexpiretime: ({ absent }) => [absent],
  pttl: ({ absent }) => [absent],
  persist: ({ absent }) => [absent],
  zadd: ({ absent }) => [absent, 'XX', '1', 'member'],
  zrem: ({ absent }) => [absent, 'member'],
  zrangebyscore: ({ absent }) => [absent, '1', '2'],
  time: () => [],
  publish: ({ channel }) => [channel, 'doctor'],
  scan: ({ absent }) => ['0', 'MATCH', absent, 'COUNT', '1'],
  info: () => ['server'],
  set: ({ own }) => [own, 'doctor', 'PX', KEPT_MS, 'NX'],
  hsetnx: ({ own }) => [own, 'v', '1'],
  unlink: ({ own }) => [own],
};

/** Keys and the channel of one survey, in the library's own namespace. */
export interface ProbeNames {
  readonly absent: string;
  readonly own: string;
  readonly channel: string;
}

/** What the server said to a user who may not do it. */
export interface Refusal {
  readonly command: string;
  /** Whether the command itself is refused, or the names that it was to touch. */
  readonly what: 'command' | 'keys' | 'channels';
}

export interface Probed {
  readonly refusals: readonly Refusal[];
  /** Why scripts do not run, permissions aside. */
  readonly scriptFailure: string | undefined;
  /** Why the server takes no writes, permissions aside. */
  readonly writeFailure: string | undefined;
}

/** Tries every command that the library needs, as the user that it connects as. */
export async function probe(connection: SurveyConnection, names: ProbeNames): Promise<Probed> {
  const answers = new Map<string, string | undefined>();
  for (const [command, args] of Object.entries(PROBES)) {
    // Without the key that SET makes, this one would write.
    if (command === 'hsetnx' && answers.get('set') !== undefined) continue;
    answers.set(command, await failureOf(connection.ask(command.toUpperCase(), ...args(names))));
  }
  const refusals = [...answers].flatMap(([command, failure]) => refusalOf(command, failure) ?? []);
  const elsewhere = /^(NOPERM|NOSCRIPT|MOVED|ASK) /;
  const other = (command: string): string | undefined => {
    const failure = answers.get(command);
    return failure === undefined || elsewhere.test(failure) ? undefined : failure;
  };
  return { refusals, scriptFailure: other('evalsha') ?? other('eval'), writeFailure: other('set') };
}

/** Undefined unless the failure says that the user may not. */
export function refusalOf(command: string, failure: string | undefined): Refusal | undefined {
  if (!failure?.startsWith('NOPERM ')) return undefined;
  const what = /\bkeys?\b/.test(failure) ? 'keys' : /\bchannels?\b/.test(failure) ? 'channels' : 'command';
  return { command, what };
}

async function failureOf(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

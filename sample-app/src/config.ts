import { z } from 'zod';

const blankAsUnset = (value: unknown): unknown => (value === '' ? undefined : value);
const url = (...protocols: readonly string[]) =>
  z.preprocess(
    blankAsUnset,
    z
      .url({ protocol: new RegExp(`^(${protocols.join('|')})$`), error: `must start with ${protocols[0]}://` })
      .optional(),
  );

const PORT_RANGE = 'must be a whole number from 0 to 65535';

const TIMEOUT_RANGE = 'must be a whole number of milliseconds from 10 to 60000';

const NODE = /^([^\s:,/@]+):(\d{1,5})$/;
const nodes = z.preprocess(
  blankAsUnset,
  z
    .string()
    .transform((list) => list.split(',').map((node) => NODE.exec(node.trim())))
    .refine((found) => found.every((node) => node !== null), 'must be a list such as 10.0.0.1:6379,10.0.0.2:6379')
    .transform((found) => found.map((node) => ({ host: String(node?.[1]), port: Number(node?.[2]) })))
    .optional(),
);

const environment = z
  .object({
    /** 0 takes any free port. */
    PORT: z.preprocess(
      blankAsUnset,
      z.coerce.number(PORT_RANGE).int(PORT_RANGE).min(0, PORT_RANGE).max(65_535, PORT_RANGE).default(3_000),
    ),
    /** There is no login: by default only this machine may call. */
    HOST: z.preprocess(blankAsUnset, z.string().default('127.0.0.1')),
    DATABASE_URL: url('postgres', 'postgresql'),
    REDIS_URL: url('redis', 'rediss'),
    /** Some nodes of a Redis Cluster, instead of `REDIS_URL`. */
    REDIS_CLUSTER: nodes,
    /** For how long a call waits for an answer of Redis, in ms; blank for the library's default. */
    REDIS_TIMEOUT: z.preprocess(
      blankAsUnset,
      z.coerce.number(TIMEOUT_RANGE).int(TIMEOUT_RANGE).min(10, TIMEOUT_RANGE).max(60_000, TIMEOUT_RANGE).optional(),
    ),
  })
  .refine(({ REDIS_CLUSTER, REDIS_URL }) => REDIS_CLUSTER === undefined || REDIS_URL === undefined, {
    path: ['REDIS_CLUSTER'],
    error: 'cannot be set beside REDIS_URL',
  });

/** What the environment decides. Without URLs everything runs inside this process and is gone with it. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly databaseUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly redisCluster?: readonly { readonly host: string; readonly port: number }[] | undefined;
  readonly redisTimeoutMs?: number | undefined;
}

/** @throws Error that names each variable that cannot be used, without its value, which may hold a password */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  }
  const { PORT, HOST, DATABASE_URL, REDIS_URL, REDIS_CLUSTER, REDIS_TIMEOUT } = parsed.data;
  return {
    port: PORT,
    host: HOST,
    databaseUrl: DATABASE_URL,
    redisUrl: REDIS_URL,
    redisCluster: REDIS_CLUSTER,
    redisTimeoutMs: REDIS_TIMEOUT,
  };
}

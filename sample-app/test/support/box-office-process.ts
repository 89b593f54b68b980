import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../../test/support/eventually.js';
import { ownProcess, type OwnedProcess } from '../../../test/support/owned-process.js';

/** The sample as a process of its own, as `npm start` runs it. */
export interface BoxOfficeProcess extends OwnedProcess {
  readonly url: string;
}

type Environment = Readonly<Partial<Record<'PORT' | 'REDIS_URL' | 'REDIS_CLUSTER' | 'DATABASE_URL', string>>>;

const root = new URL('../../../', import.meta.url);
const pathOf = (file: string): string => fileURLToPath(new URL(file, root));

/** From the sources, as workers of the tests are: a build may be of yesterday. */
const SOURCES = [
  '--import',
  new URL('test/support/typescript-register.mjs', root).href,
  pathOf('sample-app/src/main.ts'),
];

/** What `npm start` runs when it has built. */
export function builtProgram(): readonly string[] {
  const main = 'dist-sample/main.js';
  const missing = [main, 'dist/index.js'].find((file) => !existsSync(pathOf(file)));
  if (missing !== undefined) {
    throw new Error(
      `${missing} is missing: run \`npm run build && npm run build:sample\` first, as \`npm test\` does.`,
    );
  }
  return [pathOf(main)];
}

/** Starts a process without waiting for it. Its environment is this one's, without addresses of other servers. */
export function spawnBoxOffice(env: Environment, program: readonly string[] = SOURCES): OwnedProcess {
  const { REDIS_URL: _redis, REDIS_CLUSTER: _cluster, DATABASE_URL: _database, HOST: _host, ...rest } = process.env;
  const args = ['--disable-warning=ExperimentalWarning', ...program];
  const child = spawn(process.execPath, args, {
    env: { ...rest, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ownProcess(child);
}

/** Starts a process and waits until it has printed its address. */
export async function startBoxOffice(env: Environment, program?: readonly string[]): Promise<BoxOfficeProcess> {
  const owned = spawnBoxOffice(env, program);
  try {
    const url = await eventually(() => owned.hasEnded() || addressIn(owned.output()), {
      what: 'the address of the box office',
      withinMs: 60_000,
    });
    if (typeof url === 'string') return { ...owned, url };
    throw new Error('The box office ended.');
  } catch (error) {
    await owned.stop();
    throw new Error(`The box office did not start; it printed:\n${owned.output()}`, { cause: error });
  }
}

/** Printed last, so everything else has been printed by then. */
function addressIn(output: string): string | false {
  return /Box office at (http:\S+)[\s\S]*\n\n$/.exec(output)?.[1] ?? false;
}

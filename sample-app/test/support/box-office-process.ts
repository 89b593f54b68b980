import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../../test/support/eventually.js';
import { ownProcess, type OwnedProcess } from '../../../test/support/processes/owned-process.js';

/** The sample as a process of its own, as `npm start` runs it. */
export interface BoxOfficeProcess extends OwnedProcess {
  readonly url: string;
}

/** What the sample reads of the environment. */
const VARIABLES = ['PORT', 'HOST', 'REDIS_URL', 'REDIS_CLUSTER', 'REDIS_TIMEOUT', 'DATABASE_URL'] as const;

type Environment = Readonly<Partial<Record<(typeof VARIABLES)[number], string>>>;

const root = new URL('../../../', import.meta.url);
const pathOf = (file: string): string => fileURLToPath(new URL(file, root));

/** What `npm start` runs when it has built: each source folder, and a file that its build writes. */
const PROGRAM = 'dist-sample/main.js';
const BUILDS = { 'sample-app/src': PROGRAM, src: 'dist/index.js' };

/** @throws Error when the build is not of these sources: it would test yesterday's code */
function builtProgram(): string {
  for (const [sources, built] of Object.entries(BUILDS)) {
    if (existsSync(pathOf(built)) && statSync(pathOf(built)).mtimeMs > changedAtMs(pathOf(sources))) continue;
    throw new Error(
      `${built} is missing or older than ${sources}: run \`npm run build && npm run build:sample\`, as \`npm test\` does.`,
    );
  }
  return pathOf(PROGRAM);
}

function changedAtMs(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs));
}

/** Starts a process without waiting for it. Its environment is this one's, without what the sample reads of it. */
export function spawnBoxOffice(env: Environment): OwnedProcess {
  const unset = Object.fromEntries(VARIABLES.map((name) => [name, undefined]));
  const child = spawn(process.execPath, [builtProgram()], {
    env: { ...process.env, ...unset, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ownProcess(child);
}

/** Starts a process and waits until it has printed its address. */
export async function startBoxOffice(env: Environment): Promise<BoxOfficeProcess> {
  const owned = spawnBoxOffice(env);
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

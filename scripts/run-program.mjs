import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What runs at this moment, so that nothing outlives a script that is told to end. */
const running = new Set();

/** Of those the ones that lead a process group: npm starts programs of its own. */
const leaders = new WeakSet();

/**
 * Runs a program to its end and gives what it printed on stdout; a failure carries both of its streams.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<string>}
 */
export async function run(program, args, cwd) {
  const child = own(spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));
  leaders.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  const [code, signal] = await once(child, 'close');
  if (code !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${signal ?? `code ${code}`}:\n${stdout}${stderr}`);
  }
  return stdout;
}

/**
 * Takes charge of a child that has just been spawned: `endPrograms()` ends it.
 *
 * @template {import('node:child_process').ChildProcess} Child
 * @param {Child} child
 * @returns {Child}
 */
export function own(child) {
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Ends what this script has started and is still running, by its recorded pid, and waits until it is gone. */
export async function endPrograms() {
  const closed = [...running].map(async (child) => {
    const end = once(child, 'close');
    kill(child);
    await end;
  });
  await Promise.all(closed);
}

/** @param {import('node:child_process').ChildProcess} child */
function kill(child) {
  if (!leaders.has(child) || child.pid === undefined) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has ended, and its output is still being read.
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Socket } from 'node:net';

export interface OwnedProcessOptions {
  /** How it is told to end; a stopped (SIGSTOP) process is continued first. Default SIGKILL: tests need no farewell. */
  readonly endWith?: 'SIGKILL' | 'SIGQUIT';
  /** A temporary folder that goes away with the process. */
  readonly folder?: string;
}

/** A child process that cannot outlive the tests. */
export interface OwnedProcess {
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason, and its output is complete. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  /** What it has printed so far, both streams, at most the last 10,000 characters. */
  output(): string;
  /** Freezes it (SIGSTOP), as a long pause of the machine does. */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
  /** Ends it by its recorded pid, waits for that and removes its folder. Calling it again does nothing more. */
  stop(): Promise<void>;
}

/**
 * Waits for the end of this process, whatever it is (exit, Ctrl-C, SIGKILL), and then ends the child.
 *
 * The shell reads from a pipe that nobody writes to and that the kernel closes with its last holder, this process.
 * Handlers of `process.on('exit')` would not do: Jest gives tests a copy of `process` that never emits, and SIGKILL
 * asks nobody. It is detached, so that a Ctrl-C meant for the tests does not end the guard before its work.
 */
const GUARD = `
read -r _
kill -CONT "$1"; kill -"$2" "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 0.1; done
if [ -n "$3" ]; then rm -rf "$3"; fi
`;

const OUTPUT_LIMIT = 10_000;

/** Takes charge of a child that has just been spawned, so that it ends with `stop()` or with this process. */
export function ownProcess(child: ChildProcess, options: OwnedProcessOptions = {}): OwnedProcess {
  const { endWith = 'SIGKILL', folder } = options;
  const { pid } = child;
  child.on('error', () => undefined); // It could not be started, which is said here, or it could not be signalled: it ended.
  if (pid === undefined) throw new Error(`${child.spawnfile} could not be started: is it installed? (npm run servers)`);

  const guardArgs = ['-c', GUARD, 'guard', String(pid), endWith.slice('SIG'.length), folder ?? ''];
  const guard = spawn('sh', guardArgs, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref(); // The guard must not keep alive what it waits for.

  let printed = '';
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-OUTPUT_LIMIT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);

  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  // The pid may belong to somebody else from here on.
  child.once('exit', () => guard.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => {
    // Not at 'exit', when its last words are still in the pipe.
    child.once('close', () => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      resolve();
    });
  });
  const send = (signal: NodeJS.Signals): void => {
    if (!hasEnded()) child.kill(signal);
  };

  return {
    pid,
    ended,
    hasEnded,
    output: () => printed,
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
    async stop() {
      send('SIGCONT');
      send(endWith);
      await ended;
    },
  };
}

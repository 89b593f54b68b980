import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/** Ends the server when this process ends, whatever ends it: `read` returns when the pipe closes. */
const GUARD = `
read -r _
kill -CONT "$1"; kill -"$2" "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 0.1; done
rm -rf "$3"
`;

/**
 * Takes charge of a server that has just been spawned: it ends with `stop()` or with this process, and its folder with it.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} folder
 * @param {'SIGKILL' | 'SIGQUIT'} [endWith]
 */
export function ownServer(child, folder, endWith = 'SIGKILL') {
  const ended = once(child, 'exit');
  const args = ['-c', GUARD, 'guard', String(child.pid), endWith.slice('SIG'.length), folder];
  const guard = spawn('sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  /** @type {any} */ (guard.stdin).unref();
  child.once('exit', () => guard.kill('SIGKILL'));
  return {
    async stop() {
      child.kill('SIGCONT');
      child.kill(endWith);
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort() {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

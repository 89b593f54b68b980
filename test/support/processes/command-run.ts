import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandContext, ExitCode } from '../../../src/cli/command.js';
import { runCommand } from '../../../src/cli/run-command.js';
import { DOCUMENTED_PASSWORD } from '../servers/documented-user.js';
import { LIBRARY_USER, redisAccess, serverCertificate } from '../servers/redis-access.js';

/** What a run of the program `nestjs-cache-txn` has left its caller with. */
export interface CommandRun {
  readonly code: ExitCode;
  /** The lines of standard output. */
  readonly out: readonly string[];
  /** The lines of standard error. */
  readonly err: readonly string[];
}

/** Runs the program within this process, with an empty environment unless one is given. */
export async function command(
  args: readonly string[],
  { env = {}, load = (name) => import(name) }: Partial<Pick<CommandContext, 'env' | 'load'>> = {},
): Promise<CommandRun> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    env,
    load,
  });
  return { code, out, err };
}

/** The program as the library reaches the servers of the tests (see redis-access.ts). */
export interface LibraryCommand {
  run(...args: readonly string[]): Promise<CommandRun>;
  stop(): void;
}

export function libraryCommand(): LibraryCommand {
  const folder = mkdtempSync(join(tmpdir(), 'cache-txn-command-'));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, redisAccess() === 'tls' ? serverCertificate().cert : '');
  const further = { plain: [], acl: ['--username', LIBRARY_USER], tls: ['--ca', ca] }[redisAccess()];
  const env = redisAccess() === 'acl' ? { REDIS_PASSWORD: DOCUMENTED_PASSWORD } : {};
  return {
    run: (...args) => command([...args, ...further], { env }),
    stop() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Addresses as the program takes them. */
export function addressList(servers: readonly { readonly host: string; readonly port: number }[]): string {
  return servers.map(({ host, port }) => `${host}:${port}`).join(',');
}

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findServerBinary } from '../../../scripts/server-binaries.mjs';
import { eventually } from '../eventually.js';
import { freePort } from './free-port.js';
import { ownProcess, type OwnedProcess, type OwnedProcessOptions } from '../processes/owned-process.js';

/** A server process of the tests. */
export interface TestServer extends OwnedProcess {
  readonly host: string;
  readonly port: number;
  /** Where its files are, as long as it runs. */
  readonly folder: string;
}

/** What makes one kind of server different from another. */
export interface ServerKind {
  readonly name: string;
  readonly endWith?: OwnedProcessOptions['endWith'];
  /** Spawns the server on a port, with all its files in `folder`, which is new and empty. */
  spawn(port: number, folder: string): Promise<ChildProcess>;
  /** Whether the server that answers on this port is the one with this pid and folder; throws while none answers. */
  isOurs(port: number, pid: number, folder: string): Promise<boolean>;
}

export const LOOPBACK = '127.0.0.1';

/** Servers of parallel tests may choose the same port once; more often is not chance. */
const MAX_STARTS = 5;

/** Starts a server on the given or a free port, and resolves when it, and no stranger on the same port, answers. */
export async function startServer(kind: ServerKind, givenPort?: number): Promise<TestServer> {
  let lastWords = '';
  for (let starts = 0; starts < MAX_STARTS; starts += 1) {
    const port = givenPort ?? (await freePort());
    const folder = mkdtempSync(join(tmpdir(), `cache-txn-${kind.name}-`));
    const child = await kind.spawn(port, folder).catch((error: unknown) => {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    });
    const server = ownProcess(child, { folder, ...(kind.endWith && { endWith: kind.endWith }) });
    const answer = await eventually(async () => server.hasEnded() || kind.isOurs(port, server.pid, folder)).catch(
      () => false,
    );
    if (answer && !server.hasEnded()) return { ...server, host: LOOPBACK, port, folder };
    await server.stop();
    lastWords = server.output();
  }
  throw new Error(`${kind.name} did not start in ${MAX_STARTS} tries; its last words:\n${lastWords}`);
}

/** The path of a server program; missing is an error, never a reason to skip. */
export function serverBinary(name: string): string {
  const path = findServerBinary(name);
  if (path === undefined) throw new Error(`${name} is not installed: run \`npm run servers\`.`);
  return path;
}

import { randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The bus port of a cluster node is its port + 10,000. In this range no bus port is another server's port, and both stay
 * under 32,768, where the kernel begins to hand out ports to clients: no outgoing connection of a test can sit on them.
 */
const FIRST_PORT = 10_240;
const END_PORT = 20_240;

/** A number of tries that is never reached on a machine with any free ports at all. */
const MAX_TRIES = 100;

/** One file for each port that a test process has chosen, with its pid. Every run on the machine looks here. */
const RESERVATIONS = join(tmpdir(), 'cache-txn-ports');

/**
 * A loopback port that nobody listens on at this moment, and that no other test process chooses while this one lives: a
 * server that a test has killed finds its port still free when it is started again. Somebody else may take it all the same:
 * a caller starts its server, makes sure that it is its own that answers, and otherwise asks for another port.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, END_PORT);
    if (reserve(port) && (await isFree(port))) return port;
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${END_PORT} in ${MAX_TRIES} tries.`);
}

let hasSwept = false;

function reserve(port: number): boolean {
  if (!hasSwept) forgetTheDead();
  hasSwept = true;
  try {
    writeFileSync(join(RESERVATIONS, String(port)), String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Gives back the ports of processes that have ended. */
function forgetTheDead(): void {
  mkdirSync(RESERVATIONS, { recursive: true });
  for (const name of readdirSync(RESERVATIONS)) {
    const file = join(RESERVATIONS, name);
    if (!isAlive(ownerOf(file))) rmSync(file, { force: true });
  }
}

/** NaN for a file that has gone meanwhile, or is being written. */
function ownerOf(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return Number.NaN;
  }
}

function isAlive(pid: number): boolean {
  if (Number.isNaN(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Errors of the system are made outside of Jest's world: `instanceof Error` says no. */
function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code;
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

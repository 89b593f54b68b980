import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * The bus port of a cluster node is its port + 10,000. Below 22,700 both stay under 32,768, where the kernel begins to
 * hand out ports to clients: no outgoing connection of a test can sit on them.
 */
const FIRST_PORT = 10_240;
const END_PORT = 22_700;

/** A number of tries that is never reached on a machine with any free ports at all. */
const MAX_TRIES = 100;

/**
 * A loopback port that nobody listens on at this moment. Somebody may a moment later: a caller starts its server,
 * makes sure that it is its own that answers, and otherwise asks for another port.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, END_PORT);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${END_PORT} in ${MAX_TRIES} tries.`);
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

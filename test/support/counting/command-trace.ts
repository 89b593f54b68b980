import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

import { eventually } from '../eventually.js';

/** A command as a client sent it: its name in upper case, then its arguments. */
export type SentCommand = readonly [name: string, ...args: string[]];

/**
 * Starts listening to one server; the function it resolves with ends that and gives every command that clients sent in
 * between, in the order of execution. Commands called by a script are not sent by anybody and are left out, so the
 * length of the list is the number of commands that crossed the wire.
 *
 * It uses MONITOR, which shows the arguments: a test with a key prefix of its own can share its server. MONITOR leaves
 * out what carries secrets (AUTH, HELLO) and costs the server some speed: for counts under load use `command-stats.ts`.
 */
export async function traceCommands(client: Redis): Promise<() => Promise<SentCommand[]>> {
  const monitor = await client.monitor();
  const sent: SentCommand[] = [];
  monitor.on('monitor', (_time: string, [name = '', ...args]: string[], source: string) => {
    if (source !== 'lua') sent.push([name.toUpperCase(), ...args]);
  });
  return async () => {
    // The server runs one command after the other: once this one is reported, everything before it was.
    const mark = randomUUID();
    await client.echo(mark);
    const isMark = ([name, text]: SentCommand): boolean => name === 'ECHO' && text === mark;
    await eventually(() => sent.some(isMark), { what: 'the end of the trace in MONITOR' });
    monitor.disconnect();
    return sent.slice(0, sent.findIndex(isMark));
  };
}

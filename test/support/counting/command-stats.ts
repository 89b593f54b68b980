import type { Redis } from 'ioredis';

/** How often each command ran, by upper-case name; a command that did not run is absent. */
export type CommandCounts = Readonly<Record<string, number>>;

/**
 * Starts counting on one server; the function it resolves with ends the count and gives what ran in between, from the
 * server's own INFO commandstats (INFO itself left out).
 *
 * The server counts a command that a script calls like one that a client sends. A test of round trips therefore counts
 * EVALSHA and the commands that no script contains, or reads what clients sent from `command-trace.ts`.
 */
export async function countCommands(client: Redis): Promise<() => Promise<CommandCounts>> {
  const before = await readCounts(client);
  return async () => {
    const after = await readCounts(client);
    const delta = Object.entries(after).map(([name, calls]) => [name, calls - (before[name] ?? 0)] as const);
    return Object.fromEntries(delta.filter(([, calls]) => calls > 0));
  };
}

/** Lines look like `cmdstat_client|list:calls=2,usec=31,...`; a subcommand becomes `CLIENT LIST`. */
async function readCounts(client: Redis): Promise<Record<string, number>> {
  const info = await client.info('commandstats');
  const counts = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(
    ([, name = '', calls]) => [name.replace('|', ' ').toUpperCase(), Number(calls)] as const,
  );
  return Object.fromEntries(counts.filter(([name]) => name !== 'INFO'));
}

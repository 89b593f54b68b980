import type { CustomFault } from './fault.js';

/** What of a Redis client the fault needs; every ioredis client has it. */
export interface ScriptFlusher {
  script(subcommand: 'FLUSH'): Promise<unknown>;
}

/**
 * The server forgets its scripts right before the operation, as it does at a restart or failover, so that it answers
 * NOSCRIPT to the first EVALSHA: `store.next('commit', noScript(redis))` on a `FaultInjectingStore` around `redisStore`.
 *
 * The port itself knows no scripts, so this takes a client of yours to each server that must forget. It concerns the
 * whole server: use one that belongs to the test.
 */
export function noScript(...clients: readonly ScriptFlusher[]): CustomFault {
  return async (run) => {
    await Promise.all(clients.map((client) => client.script('FLUSH')));
    return run();
  };
}

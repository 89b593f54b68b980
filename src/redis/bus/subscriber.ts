import type { Cluster, Redis } from 'ioredis';
import { isCluster, mastersOf } from '../connection/connection.js';

/** What a cluster client does not show: it keeps one connection for messages, and makes another one when that ends, without a word. */
interface WithSubscriber {
  readonly subscriber?: { readonly getInstance?: () => Redis | null };
}

/** The connection on which the messages of a client arrive; undefined while there is none. */
export function subscriberOf(client: Redis | Cluster): Redis | undefined {
  if (!isCluster(client)) return client;
  return (client as unknown as WithSubscriber).subscriber?.getInstance?.() ?? undefined;
}

/**
 * The servers whose messages count: the one, or every master that has slots, with undefined for one that the client has given up
 * connecting to. Others may reach it all the same, and write there.
 */
export function sendersOf(client: Redis | Cluster): ReadonlyMap<string, Redis | undefined> {
  const connected = new Map(mastersOf(client).map((node) => [`${node.options.host}:${node.options.port}`, node]));
  if (!isCluster(client)) return connected;
  // Each range of slots has an array of its own, so most of the 16,384 are told apart at a glance.
  const owners = new Set(
    [...new Set(client.slots)].flatMap((nodes: readonly string[] | undefined) => nodes?.[0] ?? []),
  );
  return new Map([...owners].map((name) => [name, connected.get(name)]));
}

/** A cluster client takes no second look at a node that it has given up, until a command is for it. */
export function lookAgain(client: Redis | Cluster): void {
  if (isCluster(client)) client.refreshSlotsCache(() => undefined);
}

/**
 * Ends the connection as if the network had: whoever made it makes another one and subscribes again. A polite end would wait
 * for the other side, which may be the one that is silent.
 */
export function cut(connection: Redis): void {
  // Missing before the first connection, whatever the type says.
  const stream = connection.stream as Redis['stream'] | undefined;
  stream?.destroy();
}

import { eventually } from '../../support/eventually.js';
import type { RedisServer } from '../../support/servers/redis-server.js';
import { isMaster, tell, type FailingCluster } from './failing-cluster.js';

/** Few, so that the slot is in two places for some time. */
const KEYS_AT_ONCE = 3;
const MIGRATE_MS = 1_000;
/** Records of commits are keys too; they come for as long as the slot is at home. */
const MOST_KEYS = 100_000;

/** Moves a slot with all its keys from one master to another while clients use it, as an administrator does. */
export async function moveSlot(
  cluster: FailingCluster,
  slot: number,
  from: RedisServer,
  to: RedisServer,
): Promise<void> {
  const setSlot = (server: RedisServer, ...how: string[]): Promise<unknown> =>
    tell(server, 'CLUSTER', 'SETSLOT', `${slot}`, ...how);
  const [fromId, toId] = await Promise.all([idOf(from), idOf(to)]);
  await setSlot(to, 'IMPORTING', fromId);
  await setSlot(from, 'MIGRATING', toId);
  for (let moved = 0; moved < MOST_KEYS; moved += KEYS_AT_ONCE) {
    const keys = (await tell(from, 'CLUSTER', 'GETKEYSINSLOT', `${slot}`, `${KEYS_AT_ONCE}`)) as string[];
    if (keys.length === 0) break;
    await tell(from, 'MIGRATE', to.host, `${to.port}`, '', '0', `${MIGRATE_MS}`, 'KEYS', ...keys);
  }
  // The new owner first: while only the old one knew, nobody would serve the slot.
  await setSlot(to, 'NODE', toId);
  await setSlot(from, 'NODE', toId);
  for (const server of cluster.servers) {
    if (await isMaster(server)) await setSlot(server, 'NODE', toId);
    const isTold = async (): Promise<boolean> => (await ownerOf(server, slot)) === toId;
    await eventually(isTold, { what: 'everybody to know the new owner', withinMs: 15_000 });
  }
}

async function idOf(server: RedisServer): Promise<string> {
  return String(await tell(server, 'CLUSTER', 'MYID'));
}

/** The owner of a slot in the eyes of a server. */
async function ownerOf(server: RedisServer, slot: number): Promise<string | undefined> {
  const ranges = (await tell(server, 'CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
  return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][2];
}

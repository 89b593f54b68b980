import { beginnings, deliveries, isThere, mishaps, passing, times } from './events.js';
import type { Model } from './explore.js';
import { type Scenario, settingOf, type Txn } from './scenario.js';
import { fateKey, initialWorld, type World } from './world.js';

/**
 * Transactions over several slots with their owners, recoverers and readers: every order of events, with the faults given. The
 * owners and recoverers are `src/commit/protocol/protocol.ts` itself; a slot is as simple as the scripts allow (slot.ts).
 */
export function crossSlotModel(scenario: Scenario): Model<World> {
  const setting = settingOf(scenario);
  const events = [beginnings, deliveries, passing, times, mishaps];
  return {
    initial: initialWorld(setting),
    next: (world) => events.flatMap((each) => each(setting, world)),
    wrong: (world, isEnd) =>
      world.trouble ??
      firstOf(setting.txns, (txn) => torn(world, txn)) ??
      (isEnd ? (leftBehind(world) ?? firstOf(setting.txns, (txn) => stale(world, txn))) : undefined),
  };
}

/** One outcome everywhere, and the one that its caller was told (protocol I4, I5). */
function torn({ actors, fates }: World, { id, writes }: Txn): string | undefined {
  const all = writes.map((slot) => fates[fateKey(id, slot)]);
  const [isApplied, isDropped] = [all.includes('applied'), all.includes('dropped')];
  const answer = actors[id]?.state.answer;
  if (isApplied && isDropped) return `${id} is committed in one slot and aborted in another`;
  if (answer === 'committed' && isDropped) return `${id} was told committed, and is aborted`;
  if (answer === 'failed' && isApplied) return `${id} was told failed, and is visible`;
  return undefined;
}

/** Everything is repaired when everybody has had the time (protocol I10). */
function leftBehind({ listed, slots }: World): string | undefined {
  if (slots.some(({ intent }) => intent !== null)) return 'an intent is left for ever';
  return Object.values(listed).includes(true) ? 'a transaction is on the list of open ones for ever' : undefined;
}

/** A committed write may be gone, as anything in a cache; what it has replaced may not be back (protocol I7). */
function stale({ actors, fates, slots }: World, { id, writes }: Txn): string | undefined {
  const isCommitted = writes.some((slot) => fates[fateKey(id, slot)] === 'applied');
  const old = writes.find(
    (slot) => isThere(slots[slot]!.version) && slots[slot]!.version <= (actors[id]?.expected[slot] ?? 0),
  );
  return isCommitted && old !== undefined ? `${id} is committed, and ${old} shows what was there before` : undefined;
}

function firstOf(txns: readonly Txn[], find: (txn: Txn) => string | undefined): string | undefined {
  for (const txn of txns) {
    const found = find(txn);
    if (found !== undefined) return found;
  }
  return undefined;
}

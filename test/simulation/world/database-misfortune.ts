import { present } from '../../../src/base/assert.js';
import type { Dice } from '../engine/dice.js';
import { slotOfName } from './names.js';
import type { SimSlot } from './sim-slot.js';
import type { World } from './world.js';

/** For so long nobody is served at the most while a server restarts. */
const LONGEST_RESTART_MS = 2_000;
/** For a prepared write, half a way of a message apart. */
const MOST_LOOKS = 40;
/** Whose data are right: see the replay of markers. */
const SERVERS_KEY = 'nestjs-cache-txn/servers';

/** Plans what happens to the database, at moments that `times` draws. */
export function planDatabaseMisfortune(
  { database, trace, scheduler }: World,
  dice: Dice,
  times: (count: number, what: () => void) => void,
): void {
  if (database === undefined) return;
  const { link, profile, server } = database;
  times(profile.restarts, () => {
    const awayMs = dice.scale(20, LONGEST_RESTART_MS);
    trace?.note(scheduler.nowMs, 'database', `restarts within ${awayMs.toFixed(0)} ms`);
    server.restart(awayMs);
  });
  times(profile.kills, () => {
    trace?.note(scheduler.nowMs, 'database', 'loses a session');
    link.cutOne();
  });
}

/**
 * Plans what memory that is full takes: `volatile-*` what has a TTL, and where writes get lost `allkeys-*` anything, prepared writes
 * included. It waits a while for one of those, which are there for moments.
 */
export function planEvictions(
  { database, monitor, names, profile, scheduler, slots, trace }: World,
  dice: Dice,
  times: (count: number, what: () => void) => void,
): void {
  const keys = [...names.lists, ...names.registers, SERVERS_KEY];
  const takesIntents = database?.profile.evictsIntents === true;
  const slotOf = (key: string): SimSlot => present(slots[slotOfName(key)], 'the slot of a key');
  const evict = (key: string): void => {
    trace?.note(scheduler.nowMs, 'memory', `evicts ${key}`);
    const slot = slotOf(key);
    slot.perform(({ entries }, now) => {
      const intent = entries.intentOf(key);
      if (intent !== undefined && !takesIntents) return;
      if (intent !== undefined) entries.settle(key, intent.txnId, false, now);
      entries.drop(key);
    });
    monitor.observe(slot);
  };
  const wait = (tries: number): void => {
    const prepared = keys.find((key) => slotOf(key).peek(({ entries }) => entries.intentOf(key)) !== undefined);
    if (prepared !== undefined || tries >= MOST_LOOKS) evict(prepared ?? dice.pick(keys));
    else
      scheduler.after(profile.delayMs / 2, () => {
        wait(tries + 1);
      });
  };
  times(takesIntents ? Math.max(profile.evictions, 1) : profile.evictions, () => {
    if (takesIntents) wait(0);
    else evict(dice.pick(keys));
  });
}

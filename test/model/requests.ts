import type { Result } from '../../src/commit/protocol/protocol.js';
import type { Setting, Txn } from './scenario.js';
import { ask, compare, decide, type Done, guard, prepare, settle, type Slot } from './slot.js';
import { changed, fateKey, type Message, txnOf, withSlot, type World } from './world.js';

/** What a request does at its slot, in one step, and what its sender would hear. */
export function run(
  setting: Setting,
  world: World,
  { from, command, isOrphan }: Message,
): { world: World; result: Result } {
  const { rules } = setting;
  const txn = txnOf(setting, from);
  const isOwner = from === txn.id;
  const { id, writes, reads = [], lock } = txn;
  const decider = writes[0]!;
  const expected = world.actors[id]?.expected ?? [];
  const on = (index: number, work: (slot: Slot) => Done): { world: World; result: Result } => {
    const done = work(world.slots[index]!);
    return { world: changed(world, index, done, id), result: done.isDone ? 'done' : 'refused' };
  };
  switch (command.step) {
    case 'mark':
    case 'vote':
    case 'execute':
    case 'withdraw':
      throw new Error(`a commit over slots alone does not ${command.step}`);
    case 'open':
      return { world: { ...world, listed: { ...world.listed, [id]: true } }, result: 'done' };
    case 'close':
      return { world: { ...world, listed: { ...world.listed, [id]: false } }, result: 'done' };
    case 'prepare': {
      const index = writes[command.part];
      if (index === undefined) return on(lock!, (slot) => guard(slot, rules, id));
      return on(index, (slot) => prepare(slot, rules, id, txn.isBlind ? undefined : expected[index]!));
    }
    case 'validate': {
      const index = reads[command.read]!;
      return on(index, (slot) => compare(slot, rules, expected[index]!));
    }
    case 'decide': {
      const decided = on(decider, (slot) => decide(slot, rules, id));
      return { ...decided, world: checkDecision(setting, world, decided.world, txn) };
    }
    case 'ask': {
      const slot = world.slots[decider]!;
      // The owner makes an end of it (commit-resolve); whoever clears up waits for the deadline (decision-ask).
      const asked = ask(isOwner ? { ...slot, intent: null } : slot, rules, id, true);
      const result = asked.verdict === undefined ? 'lost' : asked.verdict ? 'done' : 'refused';
      return { world: withSlot(world, decider, { ...asked.slot, intent: slot.intent }), result };
    }
    case 'settle': {
      const index = writes[command.part]!;
      const owned = isOwner && !isOrphan ? expected[index]! + 1 : undefined;
      return on(index, (slot) => settle(slot, rules, id, command.verdict === 'committed', owned));
    }
    case 'retire': {
      const slot = world.slots[decider]!;
      const owner = world.actors[id];
      // It is kept for longer than an owner asks for it, and then it is gone.
      const isAsked = owner?.isAlive && ['deciding', 'asking'].includes(owner.state.phase);
      if (slot.records[id] !== 'C' || isAsked) return { world, result: 'done' };
      return { world: withSlot(world, decider, { ...slot, records: { ...slot.records, [id]: 'S' } }), result: 'done' };
    }
  }
}

/** At the commit point everything that the transaction relies on must hold. */
function checkDecision({ txns }: Setting, before: World, after: World, txn: Txn): World {
  const decider = txn.writes[0]!;
  if (before.slots[decider]!.records[txn.id] !== null || after.slots[decider]!.records[txn.id] !== 'C') return after;
  if (after.trouble !== null) return after;
  const trouble = (what: string): World => ({ ...after, trouble: `${txn.id} ${what}` });
  if (after.fates[fateKey(txn.id, decider)] !== 'applied') return trouble('is decided without its write');
  if (txn.lock !== undefined && before.slots[txn.lock]!.lock !== txn.id)
    return trouble('commits under a lock that somebody else has');
  for (const other of txns) {
    if (other === txn || before.slots[other.writes[0]!]!.records[other.id] !== 'C') continue;
    if (hasMissed(after, txn, other) && hasMissed(after, other, txn))
      return trouble(`and ${other.id} have each read what the other has overwritten: write skew`);
  }
  return after;
}

/** Whether a transaction read a version that the other one, by now committed, has replaced. */
function hasMissed({ actors }: World, reader: Txn, writer: Txn): boolean {
  const saw = actors[reader.id]?.expected ?? [];
  const replaced = actors[writer.id]?.expected ?? [];
  return (reader.reads ?? []).some((slot) => writer.writes.includes(slot) && saw[slot] === replaced[slot]);
}

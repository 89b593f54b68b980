import type { Command, Move, Result } from '../../src/commit/protocol/protocol.js';
import type { Step } from './explore.js';
import { run } from './requests.js';
import { type Setting, shapeOf, type Txn } from './scenario.js';
import { ask, settle } from './slot.js';
import {
  type Actor,
  changed,
  type Message,
  recovererOf,
  sorted,
  txnOf,
  withMessages,
  withSlot,
  type World,
} from './world.js';

type Events = (setting: Setting, world: World) => readonly Step<World>[];

/** A transaction reads what is committed, and its owner begins to commit. */
export const beginnings: Events = (setting, world) =>
  setting.txns.flatMap((txn): Step<World>[] => {
    if (world.actors[txn.id] !== null) return [];
    const expected = world.slots.map((_, index) => readable(setting, world, index));
    if (expected.includes(undefined)) return [];
    const actor = { expected: expected.map(Number), isAlive: true, isSlow: false };
    return [play(setting, world, `${txn.id} reads and begins`, txn.id, actor, setting.driver.begin(shapeOf(txn)))];
  });

/** Requests arrive, late ones and copies too, or somebody gives up waiting. */
export const deliveries: Events = (setting, world) =>
  world.messages.flatMap((message, index): Step<World>[] => {
    const { step, ...where } = message.command;
    const name = [`${message.from}: ${step}`, ...Object.values(where)].join(' ');
    const without = { ...world, messages: world.messages.toSpliced(index, 1) };
    const ran = run(setting, without, message);
    const orphan = { ...message, isOrphan: true };
    if (message.isOrphan) {
      return [
        { name: `${name}, late`, state: ran.world },
        { name: `${name} never arrives`, state: without },
      ];
    }
    const heard = (after: World, words: string, result: Result): Step<World> =>
      hear(setting, after, words, message, result);
    const steps = [heard(ran.world, name, ran.result)];
    const { copies, losses } = world.left;
    if (losses > 0) {
      const left = { ...world.left, losses: losses - 1 };
      const late = withMessages({ ...without, left }, [orphan]);
      steps.push({ ...heard({ ...ran.world, left }, `${name}, its answer is lost`, 'lost'), isFault: true });
      steps.push({ ...heard(late, `${name} is under way for too long`, 'lost'), isFault: true });
    }
    if (copies > 0) {
      const left = { ...world.left, copies: copies - 1 };
      const twice = withMessages({ ...ran.world, left }, [orphan]);
      steps.push({ ...heard(twice, `${name}, of which a copy is under way`, ran.result), isFault: true });
    }
    return steps;
  });

/** Readers, and writers in conflict, that meet an intent ask the deciding slot, and settle what is decided. */
export const passing: Events = (setting, world) => {
  const { passers, readersPresume, rules } = setting;
  const steps: Step<World>[] = world.passers.map(({ txn, slot: index, isCommitted }, i) => {
    const rest = { ...world, passers: world.passers.toSpliced(i, 1) };
    const done = settle(world.slots[index]!, rules, txn, isCommitted);
    return { name: `a reader settles ${txn} in ${index}`, state: changed(rest, index, done, txn) };
  });
  if (world.passers.length >= passers) return steps;
  world.slots.forEach(({ intent }, index) => {
    if (intent === null) return;
    const { txn, isLate } = intent;
    const decider = txnOf(setting, txn).writes[0]!;
    const slot = world.slots[decider]!;
    const asked = readersPresume ? { slot, ...(isLate && { verdict: false }) } : ask(slot, rules, txn, isLate);
    if (asked.verdict === undefined) return;
    const passer = { txn, slot: index, isCommitted: asked.verdict };
    const state = { ...withSlot(world, decider, asked.slot), passers: sorted([...world.passers, passer]) };
    steps.push({ name: `a reader of ${index} hears that ${txn} is ${asked.verdict ? 'committed' : 'aborted'}`, state });
  });
  return steps;
};

/** Deadlines pass, leases end, and somebody sweeps. */
export const times: Events = (setting, world) => {
  const steps: Step<World>[] = [];
  world.slots.forEach((slot, index) => {
    const { intent, lock } = slot;
    if (intent !== null && !intent.isLate) {
      const state = withSlot(world, index, { ...slot, intent: { ...intent, isLate: true } });
      steps.push({ name: `the deadline of ${intent.txn} passes in ${index}`, state });
    }
    const holder = setting.txns.find(({ id }) => id === lock);
    if (holder !== undefined) steps.push(...leaseEnd(world, index, holder));
    if (slot.isLockExtended && !setting.rules.renewalsKeepPromises) {
      const state = withSlot(world, index, { ...slot, isLockExtended: false });
      steps.push({ name: `the lock of ${String(lock)} is renewed`, state });
    }
  });
  for (const txn of setting.txns) {
    const name = recovererOf(txn);
    if (!world.listed[txn.id] || world.actors[name] !== null) continue;
    const { intent } = world.slots[txn.writes[0]!]!;
    // It would learn that the owner has time, and go away again.
    if (intent?.txn === txn.id && !intent.isLate) continue;
    const actor = { expected: [], isAlive: true, isSlow: false };
    steps.push(play(setting, world, `${name} begins`, name, actor, setting.driver.recover(shapeOf(txn))));
  }
  return steps;
};

/**
 * An extended lock lasts as long as the deciding slot accepts a decision, counted from its own prepare. One that comes so much later
 * that the lock ends first finds an owner that does not decide any more.
 */
function leaseEnd(world: World, index: number, holder: Txn): Step<World>[] {
  const slot = world.slots[index]!;
  const owner = world.actors[holder.id];
  const { intent } = world.slots[holder.writes[0]!]!;
  const isPrepared = intent?.txn === holder.id;
  if (!owner || (slot.isLockExtended && isPrepared && !intent.isLate)) return [];
  const isSlow = owner.isSlow || (slot.isLockExtended && !isPrepared && owner.state.phase === 'preparing');
  const next = withSlot(world, index, { ...slot, lock: 'somebody else', isLockExtended: false });
  const actors = { ...world.actors, [holder.id]: { ...owner, isSlow } };
  return [{ name: `the lock of ${holder.id} goes to somebody else`, state: { ...next, actors } }];
}

/** Processes die, entries are evicted, and failovers lose what was written last. */
export const mishaps: Events = ({ txns, evictsIntents, failing }, world) => {
  const { crashes, evictions, failovers } = world.left;
  const steps: Step<World>[] = [];
  for (const [name, actor] of Object.entries(world.actors)) {
    if (crashes === 0 || !actor?.isAlive || actor.state.phase === 'over') continue;
    const messages = sorted(world.messages.map((each) => (each.from === name ? { ...each, isOrphan: true } : each)));
    // A recoverer that has died is one that has never begun.
    const dead = txns.some(({ id }) => id === name) ? { ...actor, isAlive: false } : null;
    const left = { ...world.left, crashes: crashes - 1 };
    steps.push({
      name: `${name} dies`,
      state: { ...world, actors: { ...world.actors, [name]: dead }, messages, left },
      isFault: true,
    });
  }
  world.slots.forEach((slot, index) => {
    if (evictions > 0 && isThere(slot.version) && (slot.intent === null || evictsIntents)) {
      const left = { ...world.left, evictions: evictions - 1 };
      const gone = { ...slot, version: slot.version + 0.5, intent: null };
      steps.push({
        name: `the entry in ${index} is evicted`,
        state: { ...withSlot(world, index, gone), left },
        isFault: true,
      });
    }
    const before = world.before[index];
    if (failovers > 0 && before && failing.includes(index)) {
      const left = { ...world.left, failovers: failovers - 1 };
      // What was lost there has never happened.
      const fates = Object.fromEntries(
        Object.entries(world.fates).map(([key, fate]) => [key, key.endsWith(`@${index}`) ? null : fate]),
      );
      const slots = world.slots.with(index, before);
      const state = { ...world, slots, before: world.before.with(index, null), fates, left };
      steps.push({ name: `${index} loses its last write in a failover`, state, isFault: true });
    }
  });
  return steps;
};

/** Half versions stand for entries that are gone: what comes after them is larger all the same. */
export function isThere(version: number): boolean {
  return Number.isInteger(version);
}

/** The version that a reader sees; undefined while it would settle a decided intent first. */
function readable(setting: Setting, { slots }: World, index: number): number | undefined {
  const { intent, version } = slots[index]!;
  if (intent === null) return version;
  return slots[txnOf(setting, intent.txn).writes[0]!]!.records[intent.txn] === null ? version : undefined;
}

/** An actor hears an answer and sends what comes next. */
function hear(setting: Setting, world: World, name: string, { from, command }: Message, result: Result): Step<World> {
  const actor = world.actors[from]!;
  return play(setting, world, name, from, actor, answered(setting, from, actor, command, result));
}

function answered(
  setting: Setting,
  from: string,
  { state }: Pick<Actor, 'state'>,
  command: Command,
  result: Result,
): Move {
  return setting.driver.proceed(shapeOf(txnOf(setting, from)), state, command, result);
}

function play(
  setting: Setting,
  world: World,
  name: string,
  from: string,
  actor: Omit<Actor, 'state'>,
  move: Move,
): Step<World> {
  const { commands, state } = move;
  const [first] = commands;
  if (first?.step === 'decide' && actor.isSlow) {
    return play(setting, world, name, from, actor, answered(setting, from, { state }, first, 'unsent'));
  }
  const isOwner = setting.txns.some(({ id }) => id === from);
  // What an actor was while it worked makes no difference when it is over.
  const rest =
    state.phase === 'over' ? { ...state, parts: [], hasFailed: false, isAsked: false, isListed: false } : state;
  const after = state.phase === 'over' && !isOwner ? null : { ...actor, state: rest };
  const sent = commands.map((command): Message => ({ from, command, isOrphan: false }));
  return { name, state: withMessages({ ...world, actors: { ...world.actors, [from]: after } }, sent) };
}

import type { Step } from '../explore.js';
import type { Command, Move, Result } from '../../../src/commit/protocol/protocol.js';
import { hit } from './entry.js';
import { run } from './requests.js';
import { type Setting, shapeOf, type Txn } from './scenario.js';
import { isOpen, rollBack, type Sql, withSession } from './sql.js';
import {
  gone,
  type Message,
  type Passer,
  recovererOf,
  sorted,
  txnOf,
  withFault,
  withMessages,
  type World,
} from './world.js';

/** What may happen next of one kind. */
export type Events = (setting: Setting, world: World) => readonly Step<World>[];

/** The user's own SQL, and then the commit begins; a session whose owner is gone, or has given up, ends. */
export const statements: Events = (setting, world) =>
  setting.txns.flatMap((txn): Step<World>[] => {
    const { id, writes, reads = [] } = txn;
    const { statements: done, end } = world.sql.sessions[id]!;
    const actor = world.actors[id];
    if (end !== null) return [];
    if (actor) {
      const isLeft = !actor.isAlive || actor.state.answer !== undefined || actor.state.phase === 'over';
      return isLeft ? [{ name: `the session of ${id} ends`, state: { ...world, sql: rollBack(world.sql, id) } }] : [];
    }
    if (world.seen[id] === null && reads.length > 0) {
      const seen = reads.map((key) => hit(world.entries[key]!, setting.rules));
      if (seen.includes(undefined)) return [];
      return [{ name: `${id} reads the cache`, state: { ...world, seen: { ...world.seen, [id]: seen.map(String) } } }];
    }
    const next = writes[done];
    if (next === undefined) return [];
    const holder = holderOf(setting, world.sql, next, txn);
    if (holder === undefined) {
      const updated = { ...world, sql: withSession(world.sql, id, { statements: done + 1 }) };
      const name = `${id} updates row ${next}`;
      if (done + 1 < writes.length) return [{ name, state: updated }];
      return [play(setting, updated, `${name}, and begins to commit`, id, true, setting.driver.begin(shapeOf(txn)))];
    }
    const awaited = holder.writes[world.sql.sessions[holder.id]!.statements];
    const isDeadlock = awaited !== undefined && holderOf(setting, world.sql, awaited, holder) === txn;
    return isDeadlock
      ? [{ name: `${id} is the victim of a deadlock`, state: { ...world, sql: rollBack(world.sql, id) } }]
      : [];
  });

/** Requests arrive, late ones and copies too, or somebody gives up waiting. */
export const deliveries: Events = (setting, world) =>
  world.messages.flatMap((message, index): Step<World>[] => {
    const { command } = message;
    const { step, ...where } = command;
    const name = [`${message.from}: ${step}`, ...Object.values(where)].join(' ');
    const without = { ...world, messages: world.messages.toSpliced(index, 1) };
    const ran = run(setting, without, message);
    const orphan = { ...message, isOrphan: true };
    const heard = (after: World, words: string, result: Result): Step<World> =>
      hear(setting, after, words, message, result);
    if (ran.result === undefined) {
      return message.isOrphan
        ? [{ name: `${name} gives up`, state: without }]
        : [heard(without, `${name} waits for the marker until the lock timeout`, 'lost')];
    }
    if (message.isOrphan) {
      return [
        { name: `${name}, late`, state: ran.world },
        { name: `${name} never arrives`, state: without },
      ];
    }
    const steps = [heard(ran.world, name, ran.result)];
    if (step === 'decide' && ran.result === 'lost') steps.push(heard(ran.world, `${name} is refused`, 'refused'));
    const { copies, losses } = world.left;
    if (losses > 0) {
      const left = withFault(ran.world, 'losses');
      steps.push({ ...heard(left, `${name}, its answer is lost`, 'lost'), isFault: true });
      steps.push({ ...heard(withFault(without, 'losses'), `${name} cannot be sent`, 'unsent'), isFault: true });
      const late = withMessages(withFault(without, 'losses'), [orphan]);
      steps.push({ ...heard(late, `${name} is under way for too long`, 'lost'), isFault: true });
    }
    // The database's own connection repeats nothing.
    if (copies > 0 && (step === 'prepare' || step === 'settle')) {
      const twice = withMessages(withFault(ran.world, 'copies'), [orphan]);
      steps.push({ ...heard(twice, `${name}, of which a copy is under way`, ran.result), isFault: true });
    }
    return steps;
  });

/** Somebody sweeps, and replays the markers after a failover. */
export const sweeps: Events = (setting, world) => {
  const steps: Step<World>[] = [];
  for (const txn of setting.txns) {
    const name = recovererOf(txn);
    const owner = world.actors[txn.id];
    // While the marker is open it would learn nothing, and go away again. What it does beside an owner at work, passing readers do as well.
    if (!world.listed[txn.id] || world.actors[name] || isOpen(world.sql, txn.id)) continue;
    if (owner?.isAlive && owner.state.phase !== 'over') continue;
    steps.push(play(setting, world, `${name} begins`, name, true, setting.driver.recover(shapeOf(txn))));
  }
  const { replay } = world;
  if (replay === null) return steps;
  if (setting.rules.replayWaitsForOpen && replay.some((id) => isOpen(world.sql, id))) return steps;
  const voids = setting.txns
    .filter(({ id }) => setting.rules.replaysMarkers && world.sql.sessions[id]!.end === 'committed')
    .flatMap(({ id, writes }) => writes.map((key): Passer => ({ by: 'the replay', txn: id, key, isCommitted: true })));
  steps.push({
    name: 'the markers are replayed',
    state: { ...world, replay: null, passers: sorted([...world.passers, ...voids]) },
  });
  return steps;
};

/** Who has updated the row and not ended yet. */
function holderOf({ txns }: Setting, { sessions }: Sql, key: number, asking: Txn): Txn | undefined {
  return txns.find((txn) => {
    const { statements: done, end } = sessions[txn.id]!;
    return txn !== asking && end === null && txn.writes.slice(0, done).includes(key);
  });
}

/** An actor hears an answer and sends what comes next. */
function hear(setting: Setting, world: World, name: string, { from, command }: Message, result: Result): Step<World> {
  const { state, isAlive } = world.actors[from]!;
  const move = setting.driver.proceed(shapeOf(txnOf(setting, from)), state, command, result);
  return play(setting, world, name, from, isAlive, move);
}

function play(
  setting: Setting,
  world: World,
  name: string,
  from: string,
  isAlive: boolean,
  { state, commands }: Move,
): Step<World> {
  const isOwner = setting.txns.some(({ id }) => id === from);
  const isOver = state.phase === 'over';
  const after = isOver && !isOwner ? null : { state: isOver ? gone(state) : state, isAlive };
  const sent = commands.map((command: Command): Message => ({ from, command, isOrphan: false }));
  return { name, state: withMessages({ ...world, actors: { ...world.actors, [from]: after } }, sent) };
}

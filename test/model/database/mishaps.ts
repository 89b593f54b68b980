import type { Step } from '../explore.js';
import type { Events } from './events.js';
import { rollBack } from './sql.js';
import { gone, openTransactions, sorted, withEntry, withFault, type World } from './world.js';

/** Processes die, sessions are cut, entries are evicted, and failovers lose what was written last. */
export const mishaps: Events = (setting, world) => {
  const { txns } = setting;
  const { crashes, cuts, evictions, failovers } = world.left;
  const steps: Step<World>[] = [];
  const fault = (name: string, kind: keyof World['left'], state: World): void =>
    void steps.push({ name, state: withFault(state, kind), isFault: true });
  for (const [name, actor] of Object.entries(world.actors)) {
    if (crashes === 0 || !actor?.isAlive || actor.state.phase === 'over') continue;
    const messages = sorted(world.messages.map((each) => (each.from === name ? { ...each, isOrphan: true } : each)));
    // A recoverer that has died is one that has never begun.
    const dead = txns.some(({ id }) => id === name) ? { state: gone(actor.state), isAlive: false } : null;
    fault(`${name} dies`, 'crashes', { ...world, actors: { ...world.actors, [name]: dead }, messages });
  }
  for (const { id } of txns) {
    const isAtWork = world.actors[id]?.isAlive === true && world.actors[id].state.answer === undefined;
    if (cuts > 0 && isAtWork && world.sql.sessions[id]!.end === null) {
      fault(`the session of ${id} is cut`, 'cuts', { ...world, sql: rollBack(world.sql, id) });
    }
  }
  world.entries.forEach((entry, key) => {
    if (evictions > 0 && (entry.value !== null || entry.intent !== null)) {
      const evicted = withEntry(setting, world, key, { ...entry, value: null, intent: null, token: null });
      fault(`the entry of ${key} is evicted`, 'evictions', evicted);
    }
  });
  if (evictions > 0 && setting.evictsList && Object.values(world.listed).includes(true)) {
    const listed = Object.fromEntries(txns.map(({ id }) => [id, false]));
    fault('the list is evicted', 'evictions', { ...world, listed });
  }
  if (failovers === 0) return steps;
  const fails = (name: string, state: World, place: number | 'list'): void => {
    // The last one that may happen needs no history of anything.
    const entries = world.before.entries.map((past, key) => (key === place || failovers === 1 ? [] : past));
    const listed = place === 'list' || failovers === 1 ? [] : world.before.listed;
    const replay = openTransactions(world);
    fault(`${name} in a failover`, 'failovers', { ...state, before: { entries, listed }, replay });
  };
  world.before.entries.forEach((past, key) => {
    past.forEach((old, index) => {
      const lost = { ...world, entries: world.entries.with(key, old) };
      fails(`${key} loses its last ${index + 1} writes`, lost, key);
    });
  });
  world.before.listed.forEach((listed, index) => {
    fails(`the list loses its last ${index + 1} writes`, { ...world, listed }, 'list');
  });
  return steps;
};

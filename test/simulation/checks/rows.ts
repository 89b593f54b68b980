import type { World } from '../world/world.js';

/** What must be whatever gets lost: the database and what callers were told of it fit, nothing is open, and no entry stays stale. */
export function rowProblems({ database, journal, names }: World): string[] {
  if (database === undefined) return [];
  const { server, watch } = database;
  const told = journal.attempts.flatMap(({ id, appends, decider, status }) => {
    if (decider === 'slot') return [];
    const isCommitted = server.markers.get(id)?.state === 'C';
    const isWritten = appends.map(({ key }) => server.historyOf(key)?.some(({ txnId }) => txnId === id) === true);
    const problems = isWritten.some((each) => each !== isCommitted) ? [`rows: ${id} and its marker are not one`] : [];
    if (status === 'ok' && !isCommitted) problems.push(`rows: ${id} was told ok, and has no marker`);
    if (status === 'failed' && isCommitted) problems.push(`rows: ${id} was told that it failed, and is committed`);
    return problems;
  });
  const stale = names.lists.flatMap((key) => watch.staleness(key) ?? []).map((each) => `for ever: ${each} at the end`);
  const open = server.openTransactions;
  return [...told, ...stale, ...(open === 0 ? [] : [`left: ${open} database transactions are open`])];
}

/**
 * What a reader was shown was committed by then, and is not older than what was committed before it asked, unless the cache may lose
 * what it was told.
 */
export function rowReadProblems({ database, journal }: World): string[] {
  if (database === undefined) return [];
  return journal.reads.flatMap(({ completedAtMs, found, id, invokedAtMs, key }) => {
    const history = database.server.historyOf(key);
    if (history === undefined || found?.value === undefined) return [];
    const at = history.findIndex(({ value }) => value === found.value);
    const shown = history[at];
    if (shown === undefined) return [`dirty: ${id} was shown ${found.value}, which no row ever was`];
    if (shown.atMs > completedAtMs) return [`dirty: ${id} was shown ${found.value} before it was committed`];
    const next = history[at + 1];
    if (next === undefined || next.atMs >= invokedAtMs) return [];
    return [`stale: ${id} was shown ${found.value} after ${next.value} had been committed`];
  });
}

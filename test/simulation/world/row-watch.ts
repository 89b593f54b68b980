import type { SimDatabase } from '../database/sim-database.js';
import { slotOfName } from './names.js';
import type { SimSlot } from './sim-slot.js';

/**
 * Compares entries with their rows, where no client can: at every moment where no write gets lost, else at the end. An entry beside a
 * prepared write is not shown to anybody, and may be old.
 */
export class RowWatch {
  readonly problems: string[] = [];

  constructor(
    private readonly database: SimDatabase,
    private readonly slots: readonly SimSlot[],
    private readonly nowMs: () => number,
  ) {}

  look(keys: Iterable<string>): void {
    for (const key of keys) {
      const stale = this.staleness(key);
      if (stale !== undefined) this.problems.push(`stale: ${stale} at ${this.nowMs().toFixed(3)}`);
    }
  }

  /** What is wrong with an entry; undefined where it is a miss, or equals its row. */
  staleness(key: string): string | undefined {
    const row = this.database.read(key);
    const entry = this.slots[slotOfName(key)]?.peek(({ entries }, now) => entries.read(key, now));
    if (row === undefined || entry?.value === undefined || entry.intent !== undefined) return undefined;
    return entry.value === row.value ? undefined : `${key} showed ${entry.value}, and its row was ${row.value}`;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';

import { machineMs, type Recorder } from '../../support/history/recorder.js';
import type { Cell } from './cells.js';
import { type CrashMember, replaceAll } from './member.js';
import { RowOnlooker } from './row-onlooker.js';

/** A busy machine may make a call wait; a busy cluster may not. */
const SETTLES_WITHIN_MS = 20_000;
/** Readers of one process at the same time. */
const AT_ONCE = 16;
const PAUSE_MS = 50;
/** On a machine with other work. */
const MOST_TRIES = 20;

/** What there is of all keys of a cell; null for none. */
export interface Seen {
  readonly seen: readonly (string | null)[];
  /** Where a database decides. */
  readonly rows?: readonly (string | null)[];
}

/** Another application, which reads and writes what the owners of the matrix leave behind. */
export class Onlookers {
  private readonly beside: RowOnlooker;

  constructor(
    private readonly member: CrashMember,
    private readonly recorder: Recorder,
  ) {
    this.beside = new RowOnlooker(member, recorder);
  }

  /** Reads all keys of the cell at one moment. Undefined when somebody wrote them meanwhile. */
  private async look({ keys, name }: Cell): Promise<readonly (string | null)[] | undefined> {
    const { cache, coordinator } = this.member;
    const askedAtMs = machineMs();
    let seen: readonly (string | null)[] | undefined;
    await this.recorder.call('look', SETTLES_WITHIN_MS, async () => {
      const entries = await coordinator.run({ readOnly: true }, async () => {
        await cache.getMany(keys);
        return Promise.all(keys.map((key) => cache.getEntry<string>(key)));
      });
      seen = entries.map((entry) => entry?.value ?? null);
      this.record(name, keys, entries, askedAtMs);
    });
    return seen;
  }

  /** Needs the keys, and so settles what waits there for ever otherwise. */
  async need(cell: Cell): Promise<void> {
    if (cell.shape.decider === 'database') await this.beside.load(cell);
    else await this.see(cell);
  }

  /** What is there at last. */
  async see(cell: Cell): Promise<Seen> {
    if (cell.shape.decider === 'database') return this.beside.see(cell);
    return { seen: await this.seeAtOneMoment(cell) };
  }

  /** Reads until it has seen all keys at one moment. */
  private async seeAtOneMoment(cell: Cell): Promise<readonly (string | null)[]> {
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      const seen = await this.look(cell);
      if (seen) return seen;
      await sleep(PAUSE_MS);
    }
    throw new Error(`the keys of ${cell.name} could not be read at one moment`);
  }

  /** Replaces all keys of the cell; answers by what. */
  async write(cell: Cell): Promise<string> {
    const { coordinator } = this.member;
    const { name } = cell;
    let written = '';
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      const outcome = await this.recorder.call(`write, ${name}`, SETTLES_WITHIN_MS, async (op) => {
        written = op;
        await coordinator.run(() => replaceAll(this.member, cell, op));
      });
      if (outcome === 'ok') return written;
    }
    throw new Error(`the keys of ${name} could not be written`);
  }

  /** Reads these cells over and over until the signal aborts. */
  async watch(cells: ReadonlySet<Cell>, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await each([...cells], async (cell) => {
        if (cell.shape.decider === 'database') await this.beside.look(cell);
        else await this.look(cell);
      });
      await sleep(PAUSE_MS);
    }
  }

  private record(
    pair: string,
    keys: readonly string[],
    entries: readonly ({ readonly value: string; readonly version: number } | undefined)[],
    askedAtMs: number,
  ): void {
    const [left, ...others] = entries;
    for (const right of others) {
      this.recorder.record({
        ...{ kind: 'pair-read', pair, left: left?.value ?? null, right: right?.value ?? null },
        ...(left && { version: left.version }),
      });
    }
    keys.forEach((key, i) => {
      this.recorder.record({ kind: 'version-seen', key, version: entries[i]?.version ?? 0, askedAtMs });
    });
  }
}

/** Does it for each, a few at a time. */
export async function each<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(run))));
  }
  return results;
}

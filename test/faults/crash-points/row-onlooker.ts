import { present } from '../../../src/base/assert.js';
import type { Recorder } from '../../support/history/recorder.js';
import type { Cell } from './cells.js';
import type { CrashMember } from './member.js';
import { type CrashRow, readRows } from './rows.js';

/** A busy machine may make a call wait. */
const SETTLES_WITHIN_MS = 20_000;

type Values = ReadonlyMap<string, string>;
type Rows = ReadonlyMap<string, CrashRow>;

/** Another application, which proves what its cache answers for the keys of a cell against the rows behind them. */
export class RowOnlooker {
  /** How often it has looked at each cell: all of them get every kind of read, however many there are. */
  private readonly looks = new Map<string, number>();

  constructor(
    private readonly member: CrashMember,
    private readonly recorder: Recorder,
  ) {}

  /** Loads what is missing, reads all entries at one moment, or reads them outside of a transaction: in turns. */
  async look(cell: Cell): Promise<void> {
    const turn = this.looks.get(cell.name) ?? 0;
    this.looks.set(cell.name, turn + 1);
    const kinds = [() => this.load(cell), () => this.lookAtOneMoment(cell), () => this.get(cell)] as const;
    await kinds[turn % kinds.length]?.();
  }

  private async get(cell: Cell): Promise<void> {
    await this.compare('get', cell, () => this.member.cache.getMany<string>(cell.keys));
  }

  private async lookAtOneMoment(cell: Cell): Promise<void> {
    const { cache, coordinator } = this.member;
    await this.compare('look', cell, async () => {
      const values = await coordinator.run({ readOnly: true }, () => cache.getMany<string>(cell.keys));
      // One that is missing says nothing; those that are there were all written by the same transaction.
      this.record(cell.name, [...values.values()]);
      return values;
    });
  }

  /** Loads what is missing: also settles what a transaction that is on no list has left (G46). */
  async load(cell: Cell): Promise<void> {
    const { cache } = this.member;
    await this.compare('load', cell, async () => {
      const load = async (key: string): Promise<string | undefined> => (await this.rows([key])).get(key)?.value;
      const values = await Promise.all(
        cell.keys.map((key) => cache.getOrLoad<string>(key, () => load(key), { ttl: '10m' })),
      );
      return new Map(cell.keys.flatMap((key, i) => (values[i] === undefined ? [] : [[key, values[i]] as const])));
    });
  }

  /** What is there when everything is over; null for an entry or a row that is not. */
  async see({ keys }: Cell): Promise<{ readonly seen: (string | null)[]; readonly rows: (string | null)[] }> {
    const values = await this.member.cache.getMany<string>(keys);
    const rows = await this.rows(keys);
    return { seen: keys.map((key) => values.get(key) ?? null), rows: keys.map((key) => rows.get(key)?.value ?? null) };
  }

  /** No value is older than its row was before the call, or newer than it is after it. */
  private async compare(action: string, cell: Cell, read: () => Promise<Values>): Promise<void> {
    await this.recorder.call(action, SETTLES_WITHIN_MS, async () => {
      const before = await this.rows(cell.keys);
      const values = await read();
      const after = await this.rows(cell.keys);
      for (const rows of [before, after]) {
        const written = cell.keys.map((key) => rows.get(key)?.value ?? null);
        this.record(`the rows of ${cell.name}`, written);
      }
      for (const [key, value] of values) {
        const [was, is] = [before.get(key), after.get(key)];
        // Whoever wrote twice meanwhile has written something between both.
        const isProved = (is?.version ?? 0) - (was?.version ?? 0) <= 1;
        if (!isProved || value === was?.value || value === is?.value) continue;
        const what = `${cell.name}: ${action} answered ${value}, the row was ${was?.value} before and is ${is?.value}`;
        this.recorder.record({ kind: 'incident', what });
      }
    });
  }

  private record(pair: string, [left = null, ...others]: readonly (string | null)[]): void {
    for (const right of others) this.recorder.record({ kind: 'pair-read', pair, left, right });
  }

  private rows(keys: readonly string[]): Promise<Rows> {
    return readRows(present(this.member.database, 'the database of the rows').pool, keys);
  }
}

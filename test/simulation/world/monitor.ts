import type { LockGuard } from '../../../src/store/entry-operations.js';
import { slotOfName } from './names.js';
import type { RowWatch } from './row-watch.js';
import type { SimSlot } from './sim-slot.js';

/** A state of a key that everybody could see. */
export interface Visible {
  readonly version: number;
  readonly value: string | undefined;
  readonly fromMs: number;
}

/** Looks into the slots after every command, where no client can: what was ever visible, and whether locks were held. */
export class Monitor {
  /** Of each key, in order. */
  readonly visible = new Map<string, Visible[]>();
  readonly problems: string[] = [];
  /** Transactions that were on the list of open ones at some time. */
  readonly listed = new Set<string>();
  private readonly newest = new Map<string, { version: number; value: string | undefined }>();
  private readonly highest = new Map<string, number>();
  private readonly guards = new Map<string, readonly LockGuard[]>();

  constructor(
    private readonly keys: readonly (readonly string[])[],
    private readonly slots: readonly SimSlot[],
    private readonly nowMs: () => number,
    /** Whether versions are promised to grow: not where a failover takes them back. */
    private readonly isStrict: boolean,
    /** Looks at entries that a database has rows of, at every moment. */
    private readonly rows?: RowWatch,
  ) {}

  /** The transaction may become visible only while these locks are its own. */
  expectGuards(txnId: string, guards: readonly LockGuard[]): void {
    if (guards.length > 0) this.guards.set(txnId, guards);
  }

  noteListed(txnId: string): void {
    this.listed.add(txnId);
  }

  /** The first answer that this transaction is committed. */
  noteCommitted(txnId: string): void {
    const guards = this.guards.get(txnId);
    if (guards === undefined) return;
    this.guards.delete(txnId);
    for (const { name, token } of guards) {
      const slot = this.slots[slotOfName(name)];
      if (!this.isStrict || slot?.peek(({ locks }, now) => locks.isHeldBy(name, token, now)) === true) continue;
      const holder = slot?.peek(({ locks }, now) => locks.inspect(name, now));
      const who = holder ? `${holder.owner} held it` : 'nobody held it';
      this.problems.push(`guard: ${txnId} was committed at ${this.nowMs().toFixed(3)} without ${name}: ${who}`);
    }
  }

  /** To be called after each command of the slot. */
  observe(slot: SimSlot): void {
    this.rows?.look(this.keys[slot.index] ?? []);
    for (const key of this.keys[slot.index] ?? []) {
      const entry = slot.peek(({ entries }, now) => entries.read(key, now));
      const version = entry?.version ?? 0;
      const value = version === 0 ? undefined : entry?.value;
      const before = this.newest.get(key);
      if (before !== undefined && before.version === version && before.value === value) continue;
      this.newest.set(key, { version, value });
      this.note(key, version, value);
    }
  }

  private note(key: string, version: number, value: string | undefined): void {
    let states = this.visible.get(key);
    if (states === undefined) this.visible.set(key, (states = []));
    states.push({ version, value, fromMs: this.nowMs() });
    if (version === 0) return;
    const highest = this.highest.get(key) ?? 0;
    if (version <= highest && this.isStrict) {
      this.problems.push(`version: ${key} became ${version} after ${highest}, at ${this.nowMs().toFixed(3)}`);
    }
    this.highest.set(key, Math.max(highest, version));
  }
}

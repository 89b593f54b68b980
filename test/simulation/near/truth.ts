import { readStored } from '../../../src/cache/stored-value.js';
import { tagKey } from '../../../src/cache/tags/tags.js';
import type { MemoryBackend } from '../../../src/memory/memory-backend.js';
import type { WriteOperation } from '../../../src/store/intent-operations.js';
import type { Scheduler } from '../engine/scheduler.js';

/** What a key had from one moment to another. */
export interface State {
  /** 0 for no entry. */
  readonly version: number;
  readonly value: number | undefined;
  /** Versions that its tags have to have for the value to count, by their keys. */
  readonly tags: ReadonlyMap<string, number>;
  readonly fromMs: number;
  /** When something else came; infinity where nothing did yet. */
  untilMs: number;
  /** When it expires. */
  endsMs: number;
}

/** A write that waits for the decision about its transaction, with the version that it will have. */
interface Prepared {
  readonly operation: WriteOperation;
  readonly version: number;
}

const NO_TAGS: ReadonlyMap<string, number> = new Map();
const NOTHING = { version: 0, text: undefined, endsMs: Number.POSITIVE_INFINITY };
const NO_STATE = { version: 0, value: undefined, tags: NO_TAGS, endsMs: Number.POSITIVE_INFINITY };

/** What a server has. */
interface Found {
  readonly version: number;
  readonly text: string | undefined;
  readonly endsMs: number;
}

/** 2024-01-01T00:00:00Z in milliseconds: a plausible date that makes every run the same. */
export const START_MS = 1_704_067_200_000;
export const NAMESPACE = 'near';

/** What every key had at every moment: looked up in the memory of the servers after each of their steps. */
export class Truth {
  private readonly histories = new Map<string, State[]>();
  private readonly prepared = new Map<string, Prepared>();

  constructor(
    private readonly backend: MemoryBackend,
    private readonly slotOf: (key: string) => number,
    private readonly scheduler: Scheduler,
    keys: readonly string[],
  ) {
    for (const key of keys) {
      this.histories.set(key, [{ ...NO_STATE, fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY }]);
    }
  }

  history(key: string): readonly State[] {
    return this.histories.get(key) ?? [];
  }

  /** Remembers what a transaction has prepared: it counts from the decision on, and is put in place later. */
  notePrepared(txnId: string, operations: readonly WriteOperation[], versions: readonly number[]): void {
    operations.forEach((operation, i) => {
      this.prepared.set(`${txnId} ${operation.key}`, { operation, version: versions[i] ?? 0 });
    });
  }

  /** Notes what has changed. */
  observe(): void {
    const { nowMs } = this.scheduler;
    for (const [key, states] of this.histories) {
      let last = states.at(-1)!;
      const found = this.look(key);
      if (last.version === found.version) {
        last.endsMs = found.endsMs;
        continue;
      }
      if (last.endsMs < nowMs) {
        last.untilMs = last.endsMs;
        last = { ...NO_STATE, fromMs: last.endsMs, untilMs: Number.POSITIVE_INFINITY };
        states.push(last);
        if (found.version === 0) continue;
      }
      last.untilMs = nowMs;
      states.push({
        version: found.version,
        endsMs: found.endsMs,
        ...parsed(found.text),
        fromMs: nowMs,
        untilMs: Number.POSITIVE_INFINITY,
      });
    }
  }

  /** The states that the key had between two moments, the last one first. */
  *between(key: string, sinceMs: number, untilMs: number): Iterable<State> {
    const states = this.history(key);
    for (let i = states.length - 1; i >= 0; i -= 1) {
      const state = states[i]!;
      if (state.untilMs <= sinceMs) return;
      if (state.fromMs <= untilMs) yield state;
    }
  }

  at(key: string, atMs: number): State {
    for (const state of this.between(key, atMs, atMs)) return state;
    throw new Error(`nothing is known of ${key} at ${atMs}`);
  }

  /** What a read of the store gives at that moment. */
  valueAt(key: string, atMs: number): number | undefined {
    const { value, tags } = this.at(key, atMs);
    for (const [tag, version] of tags) if (this.at(tag, atMs).version !== version) return undefined;
    return value;
  }

  private look(key: string): Found {
    const ms = Math.floor(START_MS + this.scheduler.nowMs);
    const now = { ms, us: ms * 1_000 };
    const space = this.backend.space(NAMESPACE);
    const { entries } = space.slot(this.slotOf(key));
    const entry = entries.read(key, now);
    if (entry === undefined) return NOTHING;
    const { intent } = entry;
    if (intent && space.slot(this.slotOf(intent.decider)).decisionOf(intent.txnId, now) === 'committed') {
      const { operation, version } = this.prepared.get(`${intent.txnId} ${key}`)!;
      if (operation.kind === 'delete') return NOTHING;
      return { version, text: operation.kind === 'put' ? operation.value : undefined, endsMs: Infinity };
    }
    if (entry.version === 0) return NOTHING;
    return { version: entry.version, text: entry.value, endsMs: ms - START_MS + entries.leftMsOf(key, now) };
  }
}

/** What an entry holds. */
export function numberIn(text: string): number | undefined {
  const stored = readStored(text);
  return stored && (JSON.parse(stored.body) as { n: number }).n;
}

function parsed(text: string | undefined): Pick<State, 'value' | 'tags'> {
  const stored = text === undefined ? undefined : readStored(text);
  if (stored === undefined) return { value: undefined, tags: NO_TAGS };
  const { tags } = stored.notes;
  return {
    value: numberIn(text!),
    tags: tags ? new Map(Object.entries(tags).map(([tag, v]) => [tagKey(tag), v])) : NO_TAGS,
  };
}

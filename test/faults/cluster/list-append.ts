import { hashSlot } from '../../../src/store/hash-slot.js';
import type { Isolation } from '../../../src/txn/txn.options.js';
import { outcomeOf } from '../../support/history/outcome.js';
import { machineMs, type Recorder } from '../../support/history/recorder.js';
import type { Operation, Transaction } from '../../support/history/serializability/history.js';
import { pick } from '../seed.js';
import type { Member } from './member.js';
import type { TxnSink } from './txn-journal.js';

const MASTERS = 3;
const SLOTS = 16_384;
const TAGS_OF_MASTER = 4;
const KEYS_OF_TAG = 5;
/** Keys of one transaction, at most. */
const MOST_KEYS = 4;
/** Of all transactions. */
const READ_ONLY = 0.25;
/** Of the keys of the others. */
const APPENDED = 0.6;

/** Short, so that what a dead owner has left is soon over. */
export const TXN_MS = 1_000;
const RETRY = { attempts: 6, budget: '3s' } as const;
/**
 * The budget of the retries, and a last attempt that meets trouble at each step: its own time, 5 s of preparing, 2 s of asking, and
 * what one message after the other may take beyond (G21); with what a busy machine adds.
 */
export const SETTLES_WITHIN_MS = 20_000;

/** Hash tags by master, each of another slot. */
export const TAGS: readonly (readonly string[])[] = tagsByMaster();

/** Lists in several slots of every master. */
export const LISTS: readonly string[] = TAGS.flat().flatMap((tag) =>
  Array.from({ length: KEYS_OF_TAG }, (_, i) => `{${tag}}:list:${i}`),
);

export interface ListAppendOptions {
  readonly note: TxnSink;
  readonly random: () => number;
  readonly isolation?: Isolation;
}

/**
 * One transaction that reads some lists and appends to some of them. Every attempt is a transaction of its own in the history,
 * with elements of its own: what a refused attempt wrote must not be seen either.
 */
export async function appendToLists(
  { cache, coordinator }: Member,
  recorder: Recorder,
  { note, random, isolation = 'serializable' }: ListAppendOptions,
): Promise<void> {
  const readOnly = random() < READ_ONLY;
  const isReadAtOnce = random() < 0.5;
  const keys = someLists(random);
  const appended = keys.filter(() => !readOnly && random() < APPENDED);
  await recorder.call(readOnly ? 'look' : 'append', SETTLES_WITHIN_MS, async (op) => {
    let attempt = 0;
    let open: Transaction | undefined;
    const settle = (status: Transaction['status']): void => {
      if (open !== undefined) note({ ...open, status, completedAtMs: machineMs() });
      open = undefined;
    };
    try {
      await coordinator.runWithRetry({ timeout: TXN_MS, readOnly, isolation, retry: RETRY }, async () => {
        settle('failed');
        attempt += 1;
        const [id, invokedAtMs] = [`${op}.${attempt}`, machineMs()];
        const operations: Operation[] = [];
        const found = isReadAtOnce ? await cache.getMany<string[]>(keys) : undefined;
        for (const key of keys) {
          const list = (found ? found.get(key) : await cache.get<string[]>(key)) ?? [];
          operations.push({ kind: 'read', key, list });
          if (!appended.includes(key)) continue;
          await cache.set(key, [...list, id]);
          operations.push({ kind: 'append', key, element: id });
        }
        // Before the commit: a process that is killed in it has told what it may have done.
        open = { id, process: recorder.actor, invokedAtMs, status: 'unknown', operations };
        note(open);
      });
      settle('ok');
    } catch (error) {
      settle(outcomeOf(error).outcome);
      throw error;
    }
  });
}

/** All lists at the same moment. */
export async function readLists({ cache, coordinator }: Member, note: TxnSink, id: string): Promise<void> {
  const invokedAtMs = machineMs();
  const found = await coordinator.run({ readOnly: true }, () => cache.getMany<string[]>(LISTS));
  const operations = LISTS.map((key): Operation => ({ kind: 'read', key, list: found.get(key) ?? [] }));
  note({ id, process: id, invokedAtMs, completedAtMs: machineMs(), status: 'ok', operations });
}

/** One to four; the first ones are wanted more than the others. */
function someLists(random: () => number): string[] {
  const count = pick(random, [1, 2, 2, 3, 3, MOST_KEYS]);
  const keys = new Set<string>();
  while (keys.size < count) {
    const tags = pick(random, TAGS);
    const tag = tags[Math.floor(random() ** 1.5 * tags.length)]!;
    keys.add(`{${tag}}:list:${Math.floor(random() * KEYS_OF_TAG)}`);
  }
  return [...keys];
}

function tagsByMaster(): string[][] {
  return Array.from({ length: MASTERS }, (_, master) =>
    Array.from({ length: 1_000 }, (_unused, i) => `t${i}`)
      .filter((tag) => Math.floor((hashSlot(tag) * MASTERS) / SLOTS) === master)
      .slice(0, TAGS_OF_MASTER),
  );
}

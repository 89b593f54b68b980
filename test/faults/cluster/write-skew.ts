import type { Isolation } from '../../../src/txn/txn.options.js';
import { outcomeOf } from '../../support/history/outcome.js';
import { machineMs } from '../../support/history/recorder.js';
import { LISTS, readLists } from './list-append.js';
import type { Member } from './member.js';
import { TxnJournal } from './txn-journal.js';

/** Lists of the first and of the last master. */
const [ONE, OTHER] = [LISTS[0]!, LISTS.at(-1)!];

/**
 * Two transactions of which each reads both lists before the other commits, and then appends to one of its own: both may not
 * commit, if there is to be an order of the two.
 */
export async function skew([ann, bob]: readonly [Member, Member], isolation: Isolation): Promise<TxnJournal> {
  const journal = new TxnJournal();
  let readers = 0;
  let bothHaveRead: () => void = () => undefined;
  const read = new Promise<void>((resolve) => (bothHaveRead = resolve));
  const write = async ({ cache, coordinator, name }: Member, key: string): Promise<void> => {
    const id = `${name} ${isolation}`;
    const invokedAtMs = machineMs();
    let found = new Map<string, string[]>();
    const transaction = coordinator.run({ isolation }, async () => {
      found = await cache.getMany<string[]>([ONE, OTHER]);
      readers += 1;
      if (readers === 2) bothHaveRead();
      await read;
      await cache.set(key, [...(found.get(key) ?? []), id]);
    });
    const status = await transaction.then(
      () => 'ok' as const,
      (error: unknown) => outcomeOf(error).outcome,
    );
    journal.note({
      ...{ id, process: name, invokedAtMs, completedAtMs: machineMs(), status },
      operations: [
        ...[ONE, OTHER].map((each) => ({ kind: 'read', key: each, list: found.get(each) ?? [] }) as const),
        { kind: 'append', key, element: id },
      ],
    });
  };
  await Promise.all([write(ann, ONE), write(bob, OTHER)]);
  await readLists(ann, journal.note, 'the end');
  return journal;
}

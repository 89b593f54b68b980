import type { CacheTxnStore } from '../store/store.js';

/** Groups items by the slot of the lock name that `nameOf` gives, slots in ascending order, items in the order given. */
export function groupBySlot<T>(
  store: CacheTxnStore,
  items: readonly T[],
  nameOf: (item: T) => string,
): readonly (readonly T[])[] {
  if (items.length <= 1) return items.length === 0 ? [] : [items];
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const slot = store.slotOf('lock', nameOf(item));
    const group = groups.get(slot);
    if (group) group.push(item);
    else groups.set(slot, [item]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

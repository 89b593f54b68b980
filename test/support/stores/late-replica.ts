import type { StoredEntry } from '../../../src/store/intent-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';

/** A replica of a store that has what it last copied, and who was asked for entries. */
export interface LateReplica {
  /** Who was asked, once for each read. */
  readonly asked: ('primary' | 'replica')[];
  /** Lets it catch up with these keys. */
  copy(...keys: string[]): Promise<void>;
}

/** Gives the store a replica that is always behind. */
export function addLateReplica(store: CacheTxnStore): LateReplica {
  const primary = store.readEntries.bind(store);
  const copies = new Map<string, StoredEntry | undefined>();
  const asked: LateReplica['asked'] = [];
  store.readEntries = (keys, { from = 'primary' } = {}) => {
    asked.push(from);
    return from === 'primary' ? primary(keys) : Promise.resolve(keys.map((key) => copies.get(key)));
  };
  return {
    asked,
    async copy(...keys) {
      const entries = await primary(keys);
      keys.forEach((key, i) => copies.set(key, entries[i]));
    },
  };
}

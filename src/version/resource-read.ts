import type { EntryRecord } from '../store/entry-operations.js';
import type { CacheTxnStore } from '../store/store.js';
import { currentResource, type ResourceCall } from './resource-call.js';

/** Reads entries for the present call, and lets its resource know which version of it was read. */
export function readForCall(
  store: CacheTxnStore,
  keys: readonly string[],
): Promise<readonly (EntryRecord | undefined)[]> {
  const resource = currentResource(store);
  const isAsked = resource !== undefined && keys.includes(resource.key);
  return isAsked ? readWithResource(store, keys, resource) : store.readEntries(keys);
}

async function readWithResource(
  store: CacheTxnStore,
  keys: readonly string[],
  resource: ResourceCall,
): Promise<readonly (EntryRecord | undefined)[]> {
  const prefetched = resource.takePrefetched();
  const missing = prefetched ? keys.filter((key) => key !== resource.key) : keys;
  const found = missing.length > 0 ? await store.readEntries(missing) : [];
  const records = new Map(missing.map((key, i) => [key, found[i]]));
  if (prefetched) records.set(resource.key, prefetched.record);
  else resource.noteRead(records.get(resource.key)?.version ?? 0);
  return keys.map((key) => records.get(key));
}

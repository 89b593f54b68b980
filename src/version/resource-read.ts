import type { EntryReader } from '../commit/entry-reader.js';
import type { EntryRecord } from '../store/entry-operations.js';
import { currentResource, type ResourceCall } from './resource-call.js';

/** Reads entries for the present call, and lets its resource know which version of it was read. */
export function readForCall(
  reader: EntryReader,
  keys: readonly string[],
  /** Copies in this process do for all but the resource itself. */
  isNear = false,
): Promise<readonly (EntryRecord | undefined)[]> {
  const resource = currentResource(reader.store);
  const isAsked = resource !== undefined && keys.includes(resource.key);
  if (isAsked) return readWithResource(reader, keys, resource);
  return isNear ? reader.readNear(keys) : reader.read(keys);
}

async function readWithResource(
  reader: EntryReader,
  keys: readonly string[],
  resource: ResourceCall,
): Promise<readonly (EntryRecord | undefined)[]> {
  const prefetched = resource.takePrefetched();
  const missing = prefetched ? keys.filter((key) => key !== resource.key) : keys;
  const found = missing.length > 0 ? await reader.read(missing) : [];
  const records = new Map(missing.map((key, i) => [key, found[i]]));
  if (prefetched) records.set(resource.key, prefetched.record);
  else resource.noteRead(records.get(resource.key)?.version ?? 0);
  return keys.map((key) => records.get(key));
}

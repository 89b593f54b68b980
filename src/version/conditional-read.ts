import type { EntryReader } from '../commit/entry-reader.js';
import type { HttpExchange } from '../pipeline/http-exchange.js';
import { etagOf } from './etag.js';
import { isWriteMethod, notModified } from './preconditions.js';
import type { ResourceCall } from './resource-call.js';

/** Whether a value still counts: the cache knows. */
export type IsCurrent = (value: string) => Promise<boolean>;

/** Reads the resource before the method, for it, and gives its version; 0 when there is no entry, or one that does not count. */
export async function prefetch(resource: ResourceCall, reader: EntryReader, isCurrent: IsCurrent): Promise<number> {
  const [record] = await reader.read([resource.key]);
  if (record?.value !== undefined && !(await isCurrent(record.value))) return 0;
  resource.prefetch(record);
  return record?.version ?? 0;
}

/** Answers 304 when `version` is what the client has; false when the answer needs its body. */
export function answersNotModified(http: HttpExchange, version: number): boolean {
  if (!notModified(http, version)) return false;
  http.setHeader('ETag', etagOf(version));
  http.setStatus(304);
  return true;
}

/** Sends the version that the call has shown, if one is known to fit the body. */
export function showVersion(http: HttpExchange, { shownVersion: version }: ResourceCall): void {
  if (version !== undefined && !answersCondition(http, version)) http.setHeader('ETag', etagOf(version));
}

/**
 * Whether a tag would make Express compare it with the client's and answer 304: without an entry the body comes from
 * elsewhere and may have changed while the tag has not.
 */
function answersCondition(http: HttpExchange, version: number): boolean {
  return version === 0 && !isWriteMethod(http.method) && http.header('if-none-match') !== undefined;
}

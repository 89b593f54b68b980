import type { EntryReader } from '../commit/entry-reader.js';
import type { HttpExchange } from '../pipeline/http-exchange.js';
import { etagOf } from './etag.js';
import { isWriteMethod, notModified } from './preconditions.js';
import type { ResourceCall } from './resource-call.js';

/** Reads the resource before the method, for it; true when that is what the client has: then the answer is a 304, without the method. */
export async function answersNotModified(
  http: HttpExchange,
  resource: ResourceCall,
  reader: EntryReader,
): Promise<boolean> {
  const [record] = await reader.read([resource.key]);
  resource.prefetch(record);
  const version = record?.version ?? 0;
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

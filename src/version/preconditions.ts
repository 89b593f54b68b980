import { PreconditionFailedError, PreconditionRequiredError } from '../base/errors.js';
import type { EntryReader } from '../commit/entry-reader.js';
import type { HttpExchange } from '../pipeline/http-exchange.js';
import type { Expectation } from '../store/entry-operations.js';
import { fulfils, parseCondition } from './etag.js';

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** Whether a method of this verb may change its resource (RFC 9110, section 9.2.1). */
export function isWriteMethod(httpMethod: string): boolean {
  return !SAFE_METHODS.includes(httpMethod);
}

/** Whether `If-None-Match` names the present version of a read. Version 0, no entry, says nothing about the answer. */
export function notModified(http: HttpExchange, version: number): boolean {
  const header = http.header('if-none-match');
  return header !== undefined && version > 0 && fulfils(version, parseCondition(header, 'weak'));
}

/**
 * What a write's headers demand of the resource at the moment of the commit; undefined for none.
 *
 * `If-Match` with one version, or `*`, costs nothing here: the commit compares. With a list the present version is read
 * to choose the one to demand, and the commit compares that.
 *
 * @throws PreconditionRequiredError `PRECONDITION_REQUIRED` when one is required and there is none
 * @throws PreconditionFailedError `PRECONDITION_FAILED` when no version can fulfil it
 */
export async function preconditionOf(
  http: HttpExchange,
  key: string,
  isRequired: boolean,
  reader: EntryReader,
): Promise<Expectation | undefined> {
  const ifMatch = http.header('if-match');
  if (ifMatch !== undefined) {
    const condition = parseCondition(ifMatch, 'strong');
    if (condition.kind === 'any') return { kind: 'exists' };
    const [only, ...more] = condition.versions;
    if (only !== undefined && more.length === 0) return { kind: 'version', version: only };
    const current = condition.versions.length === 0 ? 0 : await presentVersion(reader, key);
    if (fulfils(current, condition)) return { kind: 'version', version: current };
    throw new PreconditionFailedError(`${key} is at none of the versions in If-Match; read it again`, {
      details: { key, actual: current },
    });
  }
  const ifNoneMatch = http.header('if-none-match');
  if (ifNoneMatch !== undefined) {
    const condition = parseCondition(ifNoneMatch, 'weak');
    if (condition.kind === 'any') return { kind: 'version', version: 0 };
    const current = await presentVersion(reader, key);
    if (!fulfils(current, condition)) return { kind: 'version', version: current };
    throw new PreconditionFailedError(`${key} is at a version in If-None-Match`, { details: { key, actual: current } });
  }
  if (!isRequired) return undefined;
  throw new PreconditionRequiredError(`${key} may only be changed with If-Match: read it first and send its ETag`, {
    details: { key },
  });
}

async function presentVersion(reader: EntryReader, key: string): Promise<number> {
  const [record] = await reader.read([key]);
  return record?.version ?? 0;
}

import type { EventEmitter } from 'node:events';

interface RawResponse extends EventEmitter {
  readonly writableFinished: boolean;
  readonly destroyed: boolean;
}

/**
 * Calls `fn` once if the client of an HTTP call goes away before its answer has been sent, at once if it already has.
 *
 * @param response Express's, which is Node's own, or Fastify's, which holds Node's as `raw`
 * @returns stops listening
 */
export function onDisconnect(response: unknown, fn: () => void): () => void {
  const raw = rawResponse(response);
  if (raw === undefined) return () => undefined;
  if (raw.destroyed) {
    if (!raw.writableFinished) fn();
    return () => undefined;
  }
  const onClose = (): void => {
    if (!raw.writableFinished) fn();
  };
  raw.once('close', onClose);
  return () => raw.off('close', onClose);
}

function rawResponse(response: unknown): RawResponse | undefined {
  const outer = response as { readonly raw?: unknown } | undefined;
  const raw = (outer?.raw ?? outer) as Partial<RawResponse> | undefined;
  return typeof raw?.once === 'function' && typeof raw.off === 'function' ? (raw as RawResponse) : undefined;
}

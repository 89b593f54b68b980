import type { Outcome } from './event.js';

/**
 * After this nobody knows whether a write happened. Everything else promises that it did not, and never will:
 * STORE_TIMEOUT too, which a read or an acquisition may end with, but no commit (G20).
 */
const UNKNOWN = 'TXN_IN_DOUBT';

/** What an error tells its caller about the call; an error without a code is named by its class and text. */
export function outcomeOf(error: unknown): { readonly outcome: Outcome; readonly code: string } {
  const given = (error as { readonly code?: unknown } | null)?.code;
  const code = typeof given === 'string' ? given : `unexpected ${String(error)}`;
  return { outcome: code === UNKNOWN ? 'unknown' : 'failed', code };
}

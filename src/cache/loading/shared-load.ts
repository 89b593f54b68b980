import { TransactionAbortedError } from '../../base/errors.js';
import type { Missing } from './missing.js';

/** A load for all who share it: they are not given up with the call that it belongs to, whatever its method throws then. */
export async function shared<L>({ signal }: Missing, load: Promise<L>): Promise<L> {
  try {
    return await load;
  } catch (error) {
    throw signal?.aborted ? new DOMException('the call that loads was given up', 'AbortError') : error;
  }
}

/** The same for the call that it belongs to. */
export async function owned<L>({ signal }: Missing, load: Promise<L>): Promise<L> {
  try {
    return await load;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Whether a load ended because of the call that it belonged to, and not because of what it asked. */
export function isGivenUp(error: unknown): boolean {
  return (
    error instanceof TransactionAbortedError || (error as { readonly name?: unknown } | null)?.name === 'AbortError'
  );
}

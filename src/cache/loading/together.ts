import { followSignals, sharedAbortController } from '../../base/abort.js';

/**
 * What each of several keys gives for one call. When one fails, so does the call, and the others wait for nobody any longer: what they would load then, nobody
 * would get.
 *
 * @param given aborts when the call is given up
 * @throws what the first that fails throws
 */
export async function together<R>(
  keys: readonly string[],
  given: AbortSignal | undefined,
  run: (key: string, signal: AbortSignal | undefined) => Promise<R>,
): Promise<readonly R[]> {
  if (keys.length < 2) return Promise.all(keys.map((key) => run(key, given)));
  const failing = sharedAbortController();
  const either = given && followSignals([given, failing.signal]);
  try {
    return await Promise.all(keys.map((key) => run(key, either?.signal ?? failing.signal)));
  } catch (error) {
    failing.abort(error);
    throw error;
  } finally {
    either?.stop();
  }
}

import type { Call } from '../../../src/pipeline/call.js';
import type { Behaviour } from './start-app.js';

/** A layer that keeps its calls and how they ended; one whose signal has fired ends with its reason. */
export function keep() {
  const calls: Call[] = [];
  const ends: unknown[] = [];
  const behaviour: Behaviour = async (call, next) => {
    calls.push(call);
    try {
      const emitted = await next();
      call.signal.throwIfAborted();
      ends.push('completed');
      return emitted;
    } catch (error) {
      ends.push(error);
      throw error;
    }
  };
  return { calls, ends, behaviour };
}

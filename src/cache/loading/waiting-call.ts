import { ScopeKey } from '../../base/async-scope.js';

/**
 * The call of `@Cached` that waits for its value: when its signal aborts, nobody waits for what others load for it. What is loaded behind its back is
 * outside of it.
 */
export const waitingCall = new ScopeKey<{ readonly signal: AbortSignal }>('call of @Cached');

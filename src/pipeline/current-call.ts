import { ScopeKey } from '../base/async-scope.js';
import type { Call } from './call.js';

/**
 * The innermost call that runs behind the interceptor. It lets a second interceptor of the same call (class and method
 * are both decorated) step aside, and gives the signal of the request to the provider methods it calls.
 */
export const currentCall = new ScopeKey<Call>('current call');

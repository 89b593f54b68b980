import { setMaxListeners } from 'node:events';

/** An AbortController whose signal many waiters may listen to, without Node's warning about eleven of them. */
export function sharedAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

import type { Behaviour } from './start-app.js';

/** What happened during the calls of a test, in its order. */
export const events: string[] = [];

/** Forgets what happened; for `afterEach`. */
export function clearEvents(): void {
  events.length = 0;
}

/** A layer that notes when the rest of the call begins and, unless that throws, ends. */
export const note =
  (name: string): Behaviour =>
  async (_call, next) => {
    events.push(`${name} begins`);
    const emitted = await next();
    events.push(`${name} ends`);
    return emitted;
  };

/** What a client is answered. */
export const getText = async (url: string, init?: RequestInit): Promise<string> => (await fetch(url, init)).text();

import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from './http-client.js';

/** So many ask one box office for one page at the same time. */
export const HERD = 8;
const HERDS_AT_ONCE = 2;
/** Between two herds, and between two changes of the event: a small machine has a sale to do as well. */
const PAUSE_MS = 10;
const EDIT_PAUSE_MS = 50;

/** Answered by the router alone: it tells how slow the machine is. */
export const NOWHERE = '/nowhere';

/** The pages that show an event. */
export function pagesOf(event: string) {
  return {
    list: '/events',
    event: `/events/${event}`,
    page: `/events/${event}/page`,
    seats: `/events/${event}/seats`,
  } as const;
}

/** The name that the editor gives the event in its n-th change. */
export const nameOfTake = (n: number): string => `Take ${n}`;

/** The n of such a name, 0 for the first name of the event. */
export const takeOf = (name: string): number => Number(/^Take (\d+)$/.exec(name)?.[1] ?? 0);

/** People who look at the pages of an event, in herds and with the ETags they have, and one who renames it again and again. */
export class Visitors {
  private isOver = false;
  private readonly etags = new Map<string, string>();
  private readonly running: Promise<void>[];

  constructor(
    private readonly event: string,
    private readonly offices: readonly HttpClient[],
  ) {
    const herds = offices.flatMap((office) => Array.from({ length: HERDS_AT_ONCE }, (_, n) => this.look(office, n)));
    this.running = [...herds, this.edit()];
  }

  /** Resolves when all have their answers. */
  async leave(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.running);
  }

  private async look(office: HttpClient, first: number): Promise<void> {
    const pages = Object.values(pagesOf(this.event));
    for (let n = first; !this.isOver; n += 1) {
      const page = pages[n % pages.length]!;
      const herd = Array.from({ length: HERD }, (_, i) => this.get(office, page, i % 2 === 0));
      await Promise.all([...herd, this.get(office, NOWHERE, false)]);
      await sleep(PAUSE_MS);
    }
  }

  private async get(office: HttpClient, path: string, isConditional: boolean): Promise<void> {
    const known = isConditional ? this.etags.get(path) : undefined;
    // What became of it stands in the log.
    const answer = await office.get(path, known === undefined ? {} : { 'if-none-match': known }).catch(() => undefined);
    if (answer?.etag !== undefined) this.etags.set(path, answer.etag);
  }

  private async edit(): Promise<void> {
    const { event: path } = pagesOf(this.event);
    for (let n = 1; !this.isOver; n += 1) {
      const office = this.offices[n % this.offices.length]!;
      const shown = await office.get(path).catch(() => undefined);
      const ifMatch = { 'if-match': shown?.etag ?? '*' };
      await office.patch(path, { name: nameOfTake(n) }, ifMatch).catch(() => undefined);
      await sleep(EDIT_PAUSE_MS);
    }
  }
}

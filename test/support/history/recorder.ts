import { appendFileSync, readFileSync } from 'node:fs';
import type { HistoryEvent, Outcome } from './event.js';
import { outcomeOf } from './outcome.js';

/** Without the two fields that the recorder adds. */
type Unstamped<Event> = Event extends HistoryEvent ? Omit<Event, 'atMs' | 'actor'> : never;

/**
 * Milliseconds of the machine's monotonic clock, the same for every process on it: neither a step of the wall clock nor
 * a faked one moves it. (`performance.now()` begins at 0 in each process.)
 */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Writes down what one actor does; everything goes to a sink at once, so that a kill loses nothing that was written. */
export class Recorder {
  constructor(
    readonly actor: string,
    private readonly sink: (event: HistoryEvent) => void,
    private readonly ids = { last: 0 },
  ) {}

  record(event: Unstamped<HistoryEvent>): void {
    this.sink({ atMs: machineMs(), actor: this.actor, ...event });
  }

  /** Another actor that writes to the same place. */
  as(actor: string): Recorder {
    return new Recorder(actor, this.sink, this.ids);
  }

  /** A name that nothing else in the history has, as long as no other process has an actor of this name. */
  newId(): string {
    this.ids.last += 1;
    return `${this.actor}#${this.ids.last}`;
  }

  /**
   * Runs a call between its begin and its settling. It never rejects: the error is in the history, and what a fault does
   * to a call is not the business of the workload.
   */
  async call(action: string, withinMs: number, run: (op: string) => Promise<unknown>): Promise<Outcome> {
    const op = this.newId();
    this.record({ kind: 'begin', op, action, withinMs });
    const { outcome, code } = await run(op).then(() => ({ outcome: 'ok' as const, code: undefined }), outcomeOf);
    this.record({ kind: 'settle', op, outcome, code });
    return outcome;
  }
}

/** The events of one process in memory. */
export function memoryHistory(actor: string): { readonly recorder: Recorder; readonly events: HistoryEvent[] } {
  const events: HistoryEvent[] = [];
  return { recorder: new Recorder(actor, (event) => events.push(event)), events };
}

/** A recorder that appends JSON lines to a file: what a killed process wrote before stays readable. */
export function fileRecorder(actor: string, path: string): Recorder {
  return new Recorder(actor, (event) => {
    appendFileSync(path, `${JSON.stringify(event)}\n`);
  });
}

/**
 * The events of several files and arrays in the order of the machine's clock. Only the last line of a file may be
 * incomplete: its process was killed while it wrote.
 */
export function mergeHistories(...parts: readonly (string | readonly HistoryEvent[])[]): HistoryEvent[] {
  const events = parts.flatMap((part) => (typeof part === 'string' ? readEvents(part) : part));
  return events.sort((a, b) => a.atMs - b.atMs);
}

function readEvents(path: string): HistoryEvent[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const torn = lines.pop();
  if (torn !== undefined && torn !== '') lines.push(...(isComplete(torn) ? [torn] : []));
  return lines.map((line) => JSON.parse(line) as HistoryEvent);
}

function isComplete(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

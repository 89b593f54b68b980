import { createHash } from 'node:crypto';

/** The event log of one simulation, for people and to compare two runs of a seed to the byte. */
export class Trace {
  private readonly lines: string[] = [];

  note(atMs: number, who: string, what: string, data?: unknown): void {
    const shown = data === undefined ? '' : ` ${show(data)}`;
    this.lines.push(`${atMs.toFixed(3).padStart(10)} ${who.padEnd(8)} ${what}${shown}`);
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** The same for two runs that did the same. */
  get hash(): string {
    return createHash('sha256').update(this.text).digest('hex');
  }
}

function show(data: unknown): string {
  if (data instanceof Error) return `${data.name}: ${data.message}`;
  if (data instanceof Map) return JSON.stringify([...data]);
  return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

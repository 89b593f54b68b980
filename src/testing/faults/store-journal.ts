import type { FaultKind, StoreOperation } from './fault.js';

/** One call, what happened to it, and what became of it so far. */
export interface StoreCall {
  /** 1 for the first call of this store. */
  readonly number: number;
  readonly operation: StoreOperation;
  /** The arguments: the request itself, the keys, the name or the pattern. */
  readonly request: unknown;
  readonly fault: FaultKind | 'custom' | undefined;
  /** How often it has run at the wrapped store: 0 when it was lost, 2 when it was duplicated. */
  readonly ran: number;
  /** Whether its caller has an answer. */
  readonly end: 'pending' | 'answered' | 'failed';
}

/** A call that is still being written to. */
export type OpenCall = { -readonly [K in keyof StoreCall]: StoreCall[K] };

/** Calls that are kept; older ones are forgotten, so that a long run does not grow. */
const MAX_CALLS = 100_000;
/** Names that one line of the text shows. */
const MAX_NAMES = 4;

/** What a store was asked, in order, and which faults it played. */
export class StoreJournal {
  private kept: OpenCall[] = [];
  private made = 0;

  /** In the order in which they were made; the last 100,000. */
  get calls(): readonly StoreCall[] {
    return this.kept;
  }

  begin(operation: StoreOperation, request: unknown, fault: StoreCall['fault']): OpenCall {
    this.made += 1;
    const call: OpenCall = { number: this.made, operation, request, fault, ran: 0, end: 'pending' };
    if (this.kept.length >= MAX_CALLS) this.kept.splice(0, MAX_CALLS / 2);
    this.kept.push(call);
    return call;
  }

  forget(): void {
    this.kept = [];
  }

  /** One line for each call that met a fault: number, operation, names, fault, how often it ran. No values, no tokens. */
  toString(): string {
    return this.kept
      .filter(({ fault }) => fault !== undefined)
      .map(({ number, operation, request, fault, ran, end }) => {
        const times = ran === 1 ? 'once' : ran === 0 ? 'never' : `${ran} times`;
        return `${number} ${operation} ${namesIn(request)}: ${fault ?? ''}, ran ${times}, ${end}`;
      })
      .join('\n');
  }
}

/** The lock names or keys of a request, whatever its form. */
function namesIn(request: unknown): string {
  const names = listOf(request);
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}

function listOf(request: unknown): readonly string[] {
  if (typeof request === 'string') return [request];
  if (Array.isArray(request)) return request.flatMap(listOf);
  if (typeof request !== 'object' || request === null) return [];
  if ('names' in request) return listOf(request.names);
  if ('operations' in request) return listOf(request.operations);
  if ('key' in request) return listOf(request.key);
  return 'name' in request ? listOf(request.name) : [];
}

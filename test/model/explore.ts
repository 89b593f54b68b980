/** A system of which every state can be listed. States are plain data; equal ones have equal values in the same order. */
export interface Model<S> {
  readonly initial: S;
  /** Everything that can happen next, each with a name for the trace. */
  readonly next: (state: S) => readonly Step<S>[];
  /** What is wrong with a state, or undefined; `isEnd`: nothing can happen in it any more, faults aside. */
  readonly wrong: (state: S, isEnd: boolean) => string | undefined;
}

export interface Step<S> {
  readonly name: string;
  readonly state: S;
  /** Somebody or something fails here; a state where only that is left to happen is an end. */
  readonly isFault?: boolean;
}

export interface Exploration {
  readonly states: number;
  /** Steps from the initial state to the farthest one. */
  readonly depth: number;
  /** The shortest way to a wrong state. */
  readonly violation: { readonly what: string; readonly trace: readonly string[] } | undefined;
  /** All states were seen; otherwise `maxStates` was too few, or a violation ended it. */
  readonly isComplete: boolean;
}

/** Visits every state breadth-first, each once, and stops at the first that is wrong. */
export function explore<S>(model: Model<S>, maxStates = 5_000_000): Exploration {
  const seen = new Set([fingerprint(model.initial)]);
  const way = new Way();
  let depth = 0;
  let frontier: { readonly state: S; readonly index: number }[] = [{ state: model.initial, index: 0 }];
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { state, index } of frontier) {
      const steps = model.next(state);
      const isEnd = steps.every(({ isFault }) => isFault);
      const what = model.wrong(state, isEnd);
      if (what !== undefined) {
        return { states: seen.size, depth, violation: { what, trace: way.to(index) }, isComplete: false };
      }
      for (const step of steps) {
        const key = fingerprint(step.state);
        if (seen.has(key)) continue;
        if (seen.size >= maxStates) return { states: seen.size, depth, violation: undefined, isComplete: false };
        seen.add(key);
        next.push({ state: step.state, index: way.add(index, step.name) });
      }
    }
    if (next.length > 0) depth += 1;
    frontier = next;
  }
  return { states: seen.size, depth, violation: undefined, isComplete: true };
}

/** How each state was reached first; names are kept once. */
class Way {
  private readonly parents = [-1];
  private readonly names = [0];
  private readonly texts = [''];
  private readonly numbers = new Map<string, number>();

  add(parent: number, name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.texts.push(name) - 1;
      this.numbers.set(name, number);
    }
    this.names.push(number);
    return this.parents.push(parent) - 1;
  }

  to(index: number): string[] {
    const trace: string[] = [];
    for (let at = index; at > 0; at = this.parents[at]!) trace.unshift(this.texts[this.names[at]!]!);
    return trace;
  }
}

/** In Jest's world each look at a global costs as much as everything else here. */
const { imul } = Math;
const { isArray } = Array;

/** Two running hashes of 32 bits (after cyrb53). */
let high = 0;
let low = 0;

/**
 * 53 bits of a state: whole states of a long run do not fit into memory. Of a million states two share one, and the second
 * is missed, with a chance of 1 in 18,000. Only the values count, in the order of their keys.
 */
function fingerprint(state: unknown): number {
  high = 0xdeadbeef;
  low = 0x41c6ce57;
  mixValue(state);
  const top = imul(high ^ (high >>> 16), 2_246_822_507) ^ imul(low ^ (low >>> 13), 3_266_489_909);
  const bottom = imul(low ^ (low >>> 16), 2_246_822_507) ^ imul(top ^ (top >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & bottom) + (top >>> 0);
}

function mixValue(value: unknown): void {
  if (typeof value === 'string') {
    mix(value.length + 1_000);
    for (let i = 0; i < value.length; i += 1) mix(value.charCodeAt(i));
  } else if (typeof value === 'number') {
    mix(2 * value); // Some versions are halves.
  } else if (typeof value === 'object' && value !== null) {
    mix(91);
    if (isArray(value)) for (const item of value) mixValue(item);
    else for (const key in value) mixValue((value as Record<string, unknown>)[key]);
    mix(93);
  } else {
    mix(value === null ? 2_001 : value === true ? 2_002 : value === false ? 2_003 : 2_004);
  }
}

function mix(code: number): void {
  high = imul(high ^ code, 2_654_435_761);
  low = imul(low ^ code, 1_597_334_677);
}

import type { Call } from '../../../src/pipeline/call.js';
import type { Emitted, PipelineLayer } from '../../../src/pipeline/layer.js';

export class Orders {
  find(): string {
    return 'found';
  }
}

/** A call of `Orders.find` with what the test is about. */
export function makeCall(parts: Partial<Call> = {}): Call {
  return {
    transport: 'http',
    target: Orders,
    methodName: 'find',
    args: [],
    request: {},
    data: undefined,
    http: undefined,
    context: undefined,
    signal: new AbortController().signal,
    ...parts,
  };
}

/** A layer for every method with metadata under `key`, which writes when it begins and ends. */
export function recordingLayer(
  key: symbol,
  rank: number,
  events: string[],
  around: (next: () => Promise<Emitted>) => Promise<Emitted> = (next) => next(),
  ownsAnswer = true,
): PipelineLayer {
  return {
    rank,
    ownsAnswer,
    prepare(method) {
      const name = method.metadata<string>(key);
      if (name === undefined) return undefined;
      return async (_call, next) => {
        events.push(`${name} begins`);
        try {
          return await around(next);
        } finally {
          events.push(`${name} ends`);
        }
      };
    },
  };
}

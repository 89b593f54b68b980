import { DEFAULT_STORE_NAME } from '../../../src/base/store-name.js';
import type { Call } from '../../../src/pipeline/call.js';
import type { Emitted, PipelineLayer } from '../../../src/pipeline/layer.js';
import { Pipeline } from '../../../src/pipeline/pipeline.js';

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
    storeOf: (method) => (method.metadata(key) === undefined ? undefined : DEFAULT_STORE_NAME),
    prepare(method) {
      const name = method.metadata<string>(key);
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

/** A pipeline with the layers of one store. */
export function pipelineOf(layers: readonly PipelineLayer[], storeName = DEFAULT_STORE_NAME): Pipeline {
  const pipeline = new Pipeline();
  pipeline.register(storeName, layers);
  return pipeline;
}

import { Inject, Injectable, type Type } from '@nestjs/common';
import { types } from 'node:util';
import { InvalidOptionsError } from '../base/errors.js';
import type { Call } from './call.js';
import { PIPELINE_LAYERS, type Around, type DecoratedMethod, type Emitted, type PipelineLayer } from './layer.js';

/** A decorated method with its layers around it. */
export interface CompiledMethod {
  readonly method: DecoratedMethod;
  /** No layer wants this method: it runs as if it had no decorator. */
  readonly isBare: boolean;
  /** Some layer holds the answer back (see {@link PipelineLayer.ownsAnswer}). */
  readonly ownsAnswer: boolean;
  /** Runs one call; `invoke` runs the method itself, each time it is called. */
  run(call: Call, invoke: () => Promise<Emitted>): Promise<Emitted>;
}

/** Puts the layers around decorated methods, always in the order of their ranks. */
@Injectable()
export class Pipeline {
  private readonly layers: readonly PipelineLayer[];
  private readonly compiled = new WeakMap<Type, Map<string, CompiledMethod>>();

  constructor(@Inject(PIPELINE_LAYERS) layers: readonly PipelineLayer[]) {
    this.layers = [...layers].sort((a, b) => a.rank - b.rank);
  }

  /** The method if it has been compiled before. */
  find(target: Type, name: string): CompiledMethod | undefined {
    return this.compiled.get(target)?.get(name);
  }

  /**
   * Compiles the layers for one method, once; later calls give the same.
   *
   * @throws InvalidOptionsError `INVALID_OPTIONS` from a layer, or when a layer cannot work around this kind of method
   */
  compile(method: DecoratedMethod): CompiledMethod {
    const known = this.find(method.target, method.name);
    if (known !== undefined) return known;
    const compiled = this.compose(method);
    const methods = this.compiled.get(method.target) ?? new Map<string, CompiledMethod>();
    this.compiled.set(method.target, methods.set(method.name, compiled));
    return compiled;
  }

  private compose(method: DecoratedMethod): CompiledMethod {
    const prepared = this.layers.flatMap((layer) => {
      const around = layer.prepare(method);
      return around === undefined ? [] : [{ around, ownsAnswer: layer.ownsAnswer }];
    });
    const ownsAnswer = prepared.some((layer) => layer.ownsAnswer);
    if (prepared.length > 0) checkKind(method, ownsAnswer);
    return { method, isBare: prepared.length === 0, ownsAnswer, run: nest(prepared.map(({ around }) => around)) };
  }
}

/** The first is the outermost. */
function nest(arounds: readonly Around[]): CompiledMethod['run'] {
  return arounds.reduceRight<CompiledMethod['run']>(
    (inner, around) => async (call, invoke) => around(call, () => inner(call, invoke)),
    async (_call, invoke) => invoke(),
  );
}

const HELD_BACK = 'a decorator on it must hold the answer back until it is committed and may run the method again';

function checkKind(method: DecoratedMethod, ownsAnswer: boolean): void {
  const named = `${method.target.name}.${method.name}`;
  const refuse = (message: string): never => {
    throw new InvalidOptionsError(message, { details: { method: named } });
  };
  if (types.isGeneratorFunction((method.target.prototype as Readonly<Record<string, unknown>>)[method.name])) {
    refuse(
      `${named} is a generator: its body runs after the call has returned, outside of every decorator; collect its values and return them`,
    );
  }
  if (ownsAnswer && method.answer === 'sse') {
    refuse(
      `${named} is an @Sse() stream, but ${HELD_BACK}. Do the work in a provider method with that decorator and stream the result`,
    );
  }
  if (ownsAnswer && method.answer === 'response') {
    refuse(
      `${named} answers through @Res() or @Next(), but ${HELD_BACK}. Return the value, or use @Res({ passthrough: true })`,
    );
  }
}

import { Injectable, type Type } from '@nestjs/common';
import { types } from 'node:util';
import { InvalidOptionsError } from '../base/errors.js';
import type { Call } from './call.js';
import type { Around, DecoratedMethod, Emitted, PipelineLayer } from './layer.js';

/** A decorated method with its layers around it. */
export interface CompiledMethod {
  readonly method: DecoratedMethod;
  /** No layer wants this method: it runs as if it had no decorator. */
  readonly isBare: boolean;
  /** Some layer holds the answer back (see {@link PipelineLayer.ownsAnswer}). */
  readonly ownsAnswer: boolean;
  /** Runs one call; `invoke` runs the method itself, each time it is called. */
  run(call: Call, invoke: (call: Call) => Promise<Emitted>): Promise<Emitted>;
}

/** Puts the layers around decorated methods, always in the order of their ranks. An application has one pipeline for all its stores. */
@Injectable()
export class Pipeline {
  private readonly stores = new Map<string, readonly PipelineLayer[]>();
  private readonly compiled = new WeakMap<Type, Map<string, CompiledMethod>>();

  /**
   * Adds the layers of one store; before any method is compiled.
   *
   * @throws InvalidOptionsError `INVALID_OPTIONS` when there is a store of that name already
   */
  register(storeName: string, layers: readonly PipelineLayer[]): void {
    if (this.stores.has(storeName)) {
      throw new InvalidOptionsError(
        `two CacheTxnModules are named '${storeName}'; import one of them once, in the root module, or give the other a name of its own`,
        { details: { name: storeName } },
      );
    }
    this.stores.set(storeName, layers);
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
    const layers = this.layersOf(method);
    const arounds = layers.map((layer) => layer.prepare(method));
    const ownsAnswer = layers.some((layer) => layer.ownsAnswer);
    if (layers.length > 0) checkKind(method, ownsAnswer);
    return { method, isBare: layers.length === 0, ownsAnswer, run: nest(arounds) };
  }

  /** From the outside in. */
  private layersOf(method: DecoratedMethod): readonly PipelineLayer[] {
    const wanted: PipelineLayer[] = [];
    for (const [storeName, layers] of this.stores) {
      for (const layer of layers) {
        const store = layer.storeOf(method);
        if (store !== undefined && !this.stores.has(store)) throw unknownStore(method, store, [...this.stores.keys()]);
        if (store === storeName) wanted.push(layer);
      }
    }
    return wanted.sort((a, b) => a.rank - b.rank);
  }
}

/** The first is the outermost. */
function nest(arounds: readonly Around[]): CompiledMethod['run'] {
  return arounds.reduceRight<CompiledMethod['run']>(
    (inner, around) => async (call, invoke) => around(call, (other = call) => inner(other, invoke)),
    async (call, invoke) => invoke(call),
  );
}

function unknownStore(method: DecoratedMethod, store: string, known: readonly string[]): InvalidOptionsError {
  const named = `${method.target.name}.${method.name}`;
  const there = known.map((name) => `'${name}'`).join(', ');
  return new InvalidOptionsError(
    `a decorator of ${named} names the store '${store}', but no CacheTxnModule has that name; there ${known.length === 1 ? 'is' : 'are'} ${there}`,
    { details: { method: named, store } },
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

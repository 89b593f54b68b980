import 'reflect-metadata';
import { isObservable } from 'rxjs';
import { callScope } from '../base/async-scope.js';
import { InvalidOptionsError } from '../base/errors.js';
import type { Call } from './call.js';
import { collectValues } from './collect-values.js';
import { currentCall } from './current-call.js';
import type { DecoratedMethod, Emitted } from './layer.js';
import type { Method } from './nest-metadata.js';
import type { CompiledMethod } from './pipeline.js';

const ORIGINAL = Symbol('nestjs-cache-txn original method');

/** Whether the method is a wrapper made here, which runs the pipeline by itself. */
export function isWrapped(method: Method): boolean {
  return Reflect.hasOwnMetadata(ORIGINAL, method);
}

/**
 * Puts the pipeline around a method of one instance; name, length, metadata and `this` stay the same.
 *
 * The wrapper always returns a promise, since a commit takes a round trip, and it returns it even for an observable,
 * resolved with the last value (undefined without any): whether a method returns an observable is only known once it
 * has been called, which is after the locks are taken. An instance that is wrapped already, by another application in this process, is wrapped
 * anew, not twice.
 *
 * @throws InvalidOptionsError `INVALID_OPTIONS` when the instance does not allow it (frozen, a fixed property)
 */
export function wrapMethod(instance: object, compiled: CompiledMethod): void {
  const { name, target } = compiled.method;
  const found = (instance as Readonly<Record<string, Method>>)[name];
  if (typeof found !== 'function') return;
  const original = (Reflect.getOwnMetadata(ORIGINAL, found) ?? found) as Method;
  const wrapper: Method = async function (this: unknown, ...args) {
    const call = providerCall(compiled.method, args);
    const emitted = await compiled.run(call, (inner) => valuesOf(original, this, inner));
    return emitted.at(-1);
  };
  for (const property of ['name', 'length'] as const)
    Object.defineProperty(wrapper, property, { value: original[property], configurable: true });
  for (const key of Reflect.getOwnMetadataKeys(original) as readonly (string | symbol)[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
  Reflect.defineMetadata(ORIGINAL, original, wrapper);
  if (
    !Reflect.defineProperty(instance, name, { value: wrapper, writable: true, configurable: true, enumerable: false })
  ) {
    throw new InvalidOptionsError(
      `${target.name}.${name} is decorated, but the instance is frozen or the property fixed, so nothing can be put around it; ` +
        'leave the instance open until the application has started',
      { details: { method: `${target.name}.${name}` } },
    );
  }
}

function providerCall({ target, name }: DecoratedMethod, args: readonly unknown[]): Call {
  const outer = callScope.get(currentCall);
  return {
    transport: 'provider',
    target,
    methodName: name,
    args,
    request: {},
    data: undefined,
    http: undefined,
    context: undefined,
    // A call inside a request ends with it; any other has nobody who could leave.
    signal: outer?.signal ?? new AbortController().signal,
  };
}

async function valuesOf(original: Method, self: unknown, call: Call): Promise<Emitted> {
  const result = await original.apply(self, [...call.args]);
  if (!isObservable(result)) return [result];
  return collectValues(result, {
    signal: call.signal,
    method: `${call.target.name}.${call.methodName}`,
    isStream: true,
  });
}

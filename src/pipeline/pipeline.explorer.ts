import { Inject, Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { InvalidOptionsError } from '../base/errors.js';
import { PIPELINE_LAYERS } from './layer.js';
import { decoratedMethods } from './method-explorer.js';
import { Pipeline } from './pipeline.js';
import { wrapMethod } from './provider-wrapper.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * Compiles every decorated method when the application starts, so that what cannot work stops the boot, and wraps those
 * that Nest does not call behind interceptors.
 *
 * It does so in `onModuleInit`, when all instances exist, and before the `onModuleInit` of any other module: explorers such as those of
 * @nestjs/schedule or @nestjs/bull take hold of the methods there, and would keep the bare ones.
 */
@Injectable()
export class PipelineExplorer implements OnModuleInit {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(Pipeline) private readonly pipeline: Pipeline,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    // Nest runs hooks by falling distance and gives global modules the largest number; among those the order of imports
    // would decide. Shutdown runs the other way round: the services are the last to go.
    for (const module of modules.values()) {
      const isOurs = module.providers.has(PipelineExplorer) || module.providers.has(PIPELINE_LAYERS);
      if (isOurs) module.distance = Number.POSITIVE_INFINITY;
    }
  }

  /** @throws InvalidOptionsError `INVALID_OPTIONS` */
  onModuleInit(): void {
    for (const controller of this.discovery.getControllers()) this.prepare(controller, true);
    for (const provider of this.discovery.getProviders()) this.prepare(provider, false);
  }

  private prepare(wrapper: InstanceWrapper, isController: boolean): void {
    const isSingleton = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
    const target = isSingleton ? (classOfInstance(wrapper) ?? classOf(wrapper)) : classOf(wrapper);
    if (target === undefined) return;
    for (const method of decoratedMethods(target, isController)) {
      const compiled = this.pipeline.compile(method);
      if (method.host === 'controller' || compiled.isBare) continue;
      if (!isSingleton) throw notSingleton(wrapper, `${target.name}.${method.name}`);
      if (isObject(wrapper.instance)) wrapMethod(wrapper.instance, compiled);
    }
  }
}

/** The class of what a factory or a value provider gave is known from the instance only. */
function classOfInstance({ instance }: InstanceWrapper): Type | undefined {
  if (!isObject(instance)) return undefined;
  const prototype = Reflect.getPrototypeOf(instance);
  if (prototype === null || prototype === Object.prototype) return undefined;
  const { constructor } = prototype as { readonly constructor?: unknown };
  return typeof constructor === 'function' && constructor.prototype === prototype ? (constructor as Type) : undefined;
}

function classOf({ metatype, inject }: InstanceWrapper): Type | undefined {
  const isClass = typeof metatype === 'function' && !Array.isArray(inject) && isObject(metatype.prototype);
  return isClass ? (metatype as Type) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function notSingleton(wrapper: InstanceWrapper, method: string): InvalidOptionsError {
  const scope = wrapper.isTransient ? 'transient' : 'request-scoped, itself or through what is injected into it';
  return new InvalidOptionsError(
    `${method} is decorated, but its class is ${scope}: instances made after the start cannot be wrapped. ` +
      'Make it a singleton and pass what belongs to the request as arguments, move the decorator to the controller ' +
      "method, or call the library's services inside the method",
    { details: { method, scope: wrapper.isTransient ? 'transient' : 'request' } },
  );
}

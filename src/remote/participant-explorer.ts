import type { DiscoveryService } from '@nestjs/core';
import { InvalidOptionsError } from '../base/errors.js';
import type { RemoteParticipant } from './remote-participant.js';
import { participantMetadata } from './transaction-participant.decorator.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * The decorated providers of the application that belong to the module named `storeName`, by the name that transactions enlist.
 * @throws InvalidOptionsError `INVALID_OPTIONS`
 */
export function remoteParticipantsOf(
  discovery: DiscoveryService,
  storeName: string,
): ReadonlyMap<string, RemoteParticipant> {
  const found = new Map<string, RemoteParticipant>();
  for (const wrapper of discovery.getProviders()) {
    const { metatype } = wrapper;
    const instance: unknown = wrapper.instance;
    const target = typeof metatype === 'function' ? metatype : undefined;
    const metadata = target && participantMetadata(target);
    if (target === undefined || metadata?.storeName !== storeName) continue;
    const { name } = metadata;
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) throw notSingleton(wrapper, name);
    if (!isParticipant(instance)) throw incomplete(target.name, name);
    const other = found.get(name);
    if (other !== undefined && other !== instance) throw twice(target.name, other.constructor.name, name);
    found.set(name, instance);
  }
  return found;
}

function isParticipant(instance: unknown): instance is RemoteParticipant {
  const methods = ['prepare', 'commit', 'abort'];
  return methods.every((method) => typeof (instance as Record<string, unknown> | null)?.[method] === 'function');
}

function notSingleton(wrapper: InstanceWrapper, name: string): InvalidOptionsError {
  return new InvalidOptionsError(
    `@TransactionParticipant('${name}'): ${String(wrapper.name)} is request-scoped or transient, itself or through what is injected into it; make it a singleton`,
    { details: { participant: name } },
  );
}

function incomplete(target: string, name: string): InvalidOptionsError {
  return new InvalidOptionsError(
    `@TransactionParticipant('${name}'): ${target} has to have prepare, commit and abort`,
    { details: { participant: name } },
  );
}

function twice(one: string, other: string, name: string): InvalidOptionsError {
  return new InvalidOptionsError(
    `@TransactionParticipant('${name}') stands on ${other} and on ${one}: a node takes part under a name once`,
    { details: { participant: name } },
  );
}

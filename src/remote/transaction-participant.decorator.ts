import 'reflect-metadata';
import { InvalidOptionsError } from '../base/errors.js';
import { onlyOptions } from '../base/option-checks.js';
import { type StoreBound, storeNameOf } from '../base/store-name.js';
import type { TransactionParticipant as LocalParticipant } from '../commit/participants/participant.js';
import type { RemoteParticipant } from './remote-participant.js';

/** What takes part in the commit of a transaction; the decorator of the same name is for those on other nodes. */
export type TransactionParticipant = LocalParticipant;

/** Which transactions a decorated class takes part in. */
export interface ParticipantMetadata {
  readonly name: string;
  readonly storeName: string;
}

const PARTICIPANT = Symbol('@TransactionParticipant');
const NAME = /^[\w.-]{1,64}$/;

/**
 * Lets a provider vote and act, on every node that has it, in each transaction that enlists the name:
 * `RemoteParticipants.enlist(name, payload)`.
 *
 * @param name 1 to 64 of `A-Z a-z 0-9 _ . -`
 * @throws InvalidOptionsError `INVALID_OPTIONS`, when the class is defined
 */
export function TransactionParticipant(
  name: string,
  options: StoreBound = {},
): (target: abstract new (...args: never[]) => RemoteParticipant) => void {
  checkName(name);
  onlyOptions(options, { store: true }, '@TransactionParticipant');
  const metadata: ParticipantMetadata = { name, storeName: storeNameOf(options) };
  return (target) => {
    Reflect.defineMetadata(PARTICIPANT, metadata, target);
  };
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function checkName(name: string): void {
  if (typeof name === 'string' && NAME.test(name)) return;
  throw new InvalidOptionsError(
    `the name of a participant is 1 to 64 of A-Z a-z 0-9 _ . -, not ${JSON.stringify(name)}`,
    { details: { name } },
  );
}

/** What the decorator says about a class; undefined without one. */
export function participantMetadata(target: object): ParticipantMetadata | undefined {
  return Reflect.getMetadata(PARTICIPANT, target) as ParticipantMetadata | undefined;
}

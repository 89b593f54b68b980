import { Inject, Injectable } from '@nestjs/common';
import * as library from 'nestjs-cache-txn';
import {
  type Call,
  type CacheTxnError,
  type CacheTxnErrorCode,
  type ErrorDetails,
  type Lock,
  CacheTxn,
  type Transaction,
  TransactionalCache,
  TransactionCoordinator,
} from 'nestjs-cache-txn';
import { milestone, type Milestone } from '../../support/txn-world.js';
import { Door } from '../lock/lock-app.js';

type ErrorClass = new (message: string, context?: { details?: ErrorDetails; cause?: unknown }) => CacheTxnError;

const classes = Object.values(library)
  .filter((value) => typeof value === 'function' && value.prototype instanceof library.CacheTxnError)
  .map((value) => value as unknown as ErrorClass);

/** Every code there is. */
export const CODES: readonly CacheTxnErrorCode[] = classes.map((Class) => new Class('m').code);

/** Stands in the details and the cause of the errors below; no caller may see it. */
export const SECRET = 'planted-secret';

/** Codes of mistakes in the program, of which callers learn nothing more. */
const BLANK: readonly CacheTxnErrorCode[] = ['TXN_STATE', 'STORE_REPLY', 'INVALID_OPTIONS'];
const LATER: readonly CacheTxnErrorCode[] = [
  'LOCK_TIMEOUT',
  'TXN_IN_DOUBT',
  'LOAD_TIMEOUT',
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'SHUTTING_DOWN',
];

/** The contract of docs/errors.md for the answers outside of HTTP. */
export function expectedAnswer(code: CacheTxnErrorCode): object {
  const { retryable } = makeError(code);
  return {
    code,
    message: BLANK.includes(code) ? 'Internal server error' : `what happened: ${code}`,
    retryable,
    ...(LATER.includes(code) && { retryAfterMs: 1_000 }),
  };
}

export function makeError(code: CacheTxnErrorCode): CacheTxnError {
  const Class = classes.find((candidate) => new candidate('m').code === code);
  if (Class === undefined) throw new Error(`no error has the code ${code}`);
  return new Class(`what happened: ${code}`, { details: { key: SECRET }, cause: new Error(SECRET) });
}

/** Calls as key functions have seen them; a test empties it. */
export const seen: Call[] = [];

/** A key function. */
export function look(call: Call): string {
  seen.push(call);
  return 'look';
}

/** What the handlers of all transports do, and where a test looks inside and holds them up. */
@Injectable()
export class Sale {
  /** Where `buy` waits; without one it goes through. */
  door: Door | undefined;
  readonly aborted: Milestone = milestone();
  /** How often a method ran. */
  runs = 0;
  /** How many calls of `count` meet after their read. */
  private meeting: { readonly all: Milestone; missing: number } | undefined;

  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(TransactionCoordinator) private readonly coordinator: TransactionCoordinator,
  ) {}

  letMeet(calls: number): void {
    this.meeting = { all: milestone(), missing: calls };
  }

  /** The first purchase of a seat writes it; the method then waits, and may fail. */
  async buy(id: string, { lock, txn, fails }: { lock: Lock; txn: Transaction; fails?: Error | undefined }) {
    this.runs += 1;
    await this.cache.set(`seat:${id}`, 'sold');
    await this.door?.pass();
    if (fails !== undefined) throw fails;
    return { seat: id, names: lock.names, isHeld: lock.isHeld(), attempt: txn.attempt };
  }

  /** Reads and adds: with a meeting all but one of the calls conflict. */
  async count(): Promise<{ n: number }> {
    this.runs += 1;
    const n = ((await this.cache.get<number>('n')) ?? 0) + 1;
    await this.meet();
    await this.cache.set('n', n);
    return { n };
  }

  /** Writes, and works until its signal aborts. */
  async endless(signal: AbortSignal): Promise<never> {
    await this.cache.set('seat:endless', 'sold');
    this.runs += 1;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.aborted.reach();
        reject(signal.reason as Error);
      });
    });
  }

  /** The same in a method of a provider, which knows its caller's signal only. */
  @CacheTxn()
  async endlessInside(): Promise<never> {
    const txn = this.coordinator.current();
    if (txn === undefined) throw new Error('there is no transaction');
    return this.endless(txn.signal);
  }

  private async meet(): Promise<void> {
    const { meeting } = this;
    if (meeting === undefined) return;
    meeting.missing -= 1;
    if (meeting.missing === 0) {
      meeting.all.reach();
      this.meeting = undefined;
    }
    await meeting.all.reached;
  }
}

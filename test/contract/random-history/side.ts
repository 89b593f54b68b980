import type {
  CommitOperation,
  CommitOutcome,
  CommitRequest,
  Expectation,
} from '../../../src/store/entry-operations.js';
import type { AcquireOutcome, Handover } from '../../../src/store/lock-operations.js';
import type { CacheTxnStore } from '../../../src/store/store.js';
import { KEYS, NAMES, type CommitStep, type History, type Length, type OperationDraft, type Step } from './history.js';
import { IntentSide } from './intent-side.js';
import { Ranks } from './ranks.js';

/** One server under comparison, with two processes on it. */
export interface SideStores {
  readonly stores: readonly [CacheTxnStore, CacheTxnStore];
  /** Lets everything brief end. */
  readonly pause: () => Promise<void>;
}

const LONG_MS = 60_000;
const lengthMs = (length: Length | 'none'): number => ({ none: 0, brief: 1, long: LONG_MS })[length];
/** More than all steps of a history can add to a fence. */
const RAISED_BY = 1_000_000_000_000;

/** Runs a history on one server and describes what it sees in words that do not depend on the server's clock. */
export class Side {
  private readonly fences = new Ranks();
  private readonly versions = new Ranks();
  private readonly requests: CommitRequest[] = [];
  private readonly intents: IntentSide;
  private readonly heard: readonly Handover[][] = [[], []];
  private readonly unsubscribe: readonly (() => void)[];
  private presentFences: readonly number[] = [];
  private presentVersions: readonly number[] = [];

  constructor(
    private readonly server: SideStores,
    private readonly tag: string,
    private readonly claim: History['claim'],
  ) {
    this.intents = new IntentSide({
      tag,
      storeOf: (who) => this.storeOf(who),
      key: (index) => this.key(index),
      bare: (key) => this.bare(key),
      presentVersion: (index) => this.presentVersions[index] ?? 0,
      placeVersion: (version) => this.versions.place(version),
      lengthMs,
      describeTime,
      describeRefusal: (outcome) => this.describeCommitted(outcome),
    });
    this.unsubscribe = server.stores.map((store, process) =>
      store.onHandover((handover) => {
        if (handover.name.startsWith(`{${tag}}`)) this.heard[process]!.push(handover);
      }),
    );
  }

  /** The answer to the step. */
  async answer(step: Step): Promise<unknown> {
    switch (step.kind) {
      case 'acquire':
        return this.describeAcquired(
          await this.storeOf(step.who).acquireLocks({
            names: step.names.map((name) => this.name(name)),
            token: tokenOf(step.who),
            leaseMs: lengthMs(step.lease),
            claimMs: lengthMs(this.claim),
            queueMs: lengthMs(step.queue),
            maxWaiters: step.maxWaiters,
          }),
        );
      case 'renew':
        return this.storeOf(0).renewLocks(
          step.requests.map(({ who, name, lease, fence }) => ({
            name: this.name(name),
            token: tokenOf(who),
            leaseMs: lengthMs(lease),
            ...(fence !== 'none' && { fence: fence === 'low' ? 1 : this.fences.largest + RAISED_BY }),
          })),
        );
      case 'release':
        return this.storeOf(step.who).releaseLocks({
          names: step.names.map((name) => this.name(name)),
          token: tokenOf(step.who),
          ...(step.isMinHold && { minHoldMs: LONG_MS }),
        });
      case 'force': {
        const present = this.presentFences[step.name] ?? 0;
        const fence = { any: undefined, present, other: present + 1 }[step.fence];
        return this.storeOf(1).forceReleaseLock(this.name(step.name), fence);
      }
      case 'commit': {
        const request = this.requestOf(step);
        this.requests.unshift(request);
        return step.isSent ? this.describeCommitted(await this.storeOf(0).commit(request)) : 'not sent';
      }
      case 'resend':
      case 'resolve': {
        const request = this.requests[step.back];
        if (request === undefined) return 'nothing to ask for';
        const store = this.storeOf(1);
        return this.describeCommitted(
          await (step.kind === 'resend' ? store.commit(request) : store.resolveCommit(request)),
        );
      }
      default:
        return this.intents.answer(step);
    }
  }

  pause(): Promise<void> {
    return this.server.pause();
  }

  /** Everything the port shows of the locks and entries of this history. */
  async state(): Promise<unknown> {
    const store = this.storeOf(0);
    const [locks, entries] = await Promise.all([
      Promise.all(indices(NAMES).map((name) => store.inspectLock(this.name(name)))),
      store.readEntries(indices(KEYS).map((key) => this.key(key))),
    ]);
    this.presentFences = locks.map((lock) => lock?.fence ?? 0);
    this.presentVersions = entries.map((entry) => entry?.version ?? 0);
    return {
      locks: locks.map(
        (lock) =>
          lock && {
            fence: this.fences.place(lock.fence),
            // A store may add to the label what tells two processes of one label apart.
            owner: lock.owner.split(':')[0],
            expiresIn: describeTime(lock.expiresInMs),
            waiters: lock.waiters,
          },
      ),
      entries: entries.map(
        (entry) =>
          entry && {
            value: entry.value,
            version: this.versions.place(entry.version),
            intent: entry.intent && this.intents.describeIntent(entry.intent),
          },
      ),
    };
  }

  heardSoFar(): number {
    return this.heard.flat().length;
  }

  /** The hints each process has heard, in order; then it listens no more. */
  hints(): unknown {
    for (const stop of this.unsubscribe) stop();
    return this.heard.map((handovers) =>
      handovers.map(({ token, name, fence }) => ({ token, name: this.bare(name), fence: this.fences.place(fence) })),
    );
  }

  private describeAcquired(outcome: AcquireOutcome): unknown {
    switch (outcome.kind) {
      case 'acquired':
        return { ...outcome, fence: this.fences.place(outcome.fence) };
      case 'queued':
        return {
          ...outcome,
          name: this.bare(outcome.name),
          fence: this.fences.place(outcome.fence),
          remainingMs: describeTime(outcome.remainingMs),
        };
      case 'busy':
        return { ...outcome, name: this.bare(outcome.name), remainingMs: describeTime(outcome.remainingMs) };
      case 'full':
        return { ...outcome, name: this.bare(outcome.name) };
    }
  }

  private describeCommitted(outcome: CommitOutcome): unknown {
    switch (outcome.kind) {
      case 'committed':
        return { ...outcome, versions: outcome.versions.map((version) => this.versions.place(version)) };
      case 'conflict':
        return {
          ...outcome,
          mismatches: outcome.mismatches.map(({ key, actual }) => ({
            key: this.bare(key),
            actual: this.versions.place(actual),
          })),
        };
      case 'intent':
        return { ...outcome, key: this.bare(outcome.key), intent: this.intents.describeIntent(outcome.intent) };
      case 'lock-lost':
        return { ...outcome, name: this.bare(outcome.name) };
      case 'aborted':
        return outcome;
    }
  }

  private requestOf({ operations, guards, outcome }: CommitStep): CommitRequest {
    const number = this.requests.length;
    return {
      txnId: `${this.tag}-${number}`,
      operations: operations.map((draft) => this.operationOf(draft, `value ${number}`)),
      guards: guards.map(({ who, name }) => ({ name: this.name(name), token: tokenOf(who) })),
      outcomeTtlMs: lengthMs(outcome),
    };
  }

  private operationOf(draft: OperationDraft, value: string): CommitOperation {
    const key = this.key(draft.key);
    const expected = this.expectationOf(draft);
    const ttlMs = lengthMs(draft.ttl);
    const { kind, strategy } = draft;
    switch (kind) {
      case 'check':
        return { kind, key, expected: expected ?? { kind: 'version', version: this.presentVersions[draft.key] ?? 0 } };
      case 'put':
        return { kind, key, value, ttlMs, strategy, ...(expected && { expected }) };
      case 'bump':
        return { kind, key, ttlMs, strategy, ...(expected && { expected }) };
      case 'delete':
        return { kind, key, ...(expected && { expected }) };
    }
  }

  private expectationOf({ key, expected }: OperationDraft): Expectation | undefined {
    const present = this.presentVersions[key] ?? 0;
    switch (expected) {
      case 'none':
        return undefined;
      case 'exists':
        return { kind: 'exists' };
      case 'present':
        return { kind: 'version', version: present };
      case 'zero':
        return { kind: 'version', version: 0 };
      case 'other':
        return { kind: 'version', version: present + 1 };
    }
  }

  private storeOf(who: number): CacheTxnStore {
    return this.server.stores[who % 2 === 0 ? 0 : 1];
  }

  private name(index: number): string {
    return `{${this.tag}}:name-${index}`;
  }

  private key(index: number): string {
    return `{${this.tag}}:key-${index}`;
  }

  private bare(nameOrKey: string): string {
    return nameOrKey.slice(this.tag.length + 3);
  }
}

function tokenOf(who: number): string {
  return `token-${who}`;
}

function describeTime(ms: number): string {
  if (ms <= 0) return 'over';
  return ms <= LONG_MS / 2 ? 'brief' : 'long';
}

function indices(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

import type { CommitOutcome, CommitRequest } from '../../../src/store/entry-operations.js';
import type { DecideOutcome } from '../../../src/store/intent-operations.js';
import type { Thrown } from './cells.js';
import type { Moment, Operation } from './steps.js';
import { errorAt } from './thrown.js';

/** What happens at one message of a transaction. */
export interface Failpoint {
  readonly operation: Operation;
  /** Which of the transaction's messages of that kind, from 1. */
  readonly nth: number;
  readonly moment: Moment;
  /** Waits until it is let go, or throws. */
  readonly act: 'park' | Thrown;
  /**
   * Whether it is one of a transaction that is decided. On a machine that is too slow the owner comes too late and goes another
   * way, past messages of the same kinds.
   */
  readonly isDecided: boolean;
}

interface Armed {
  readonly failpoints: readonly Failpoint[];
  /** Messages so far, by kind. */
  readonly sent: Map<Operation, number>;
  isDecided: boolean;
  /** The last of the failpoints was reached. */
  readonly reach: () => void;
}

/** Failpoints of many transactions in one process, each at messages of its own: `store.always('*', failpoints.pass)`, and `door.always`. */
export class Failpoints {
  private readonly armed = new Map<string, Armed>();
  private letGo: () => void = () => undefined;
  private readonly free = new Promise<void>((resolve) => (this.letGo = resolve));

  /** Resolves when the transaction has reached the last of them. */
  arm(txnId: string, failpoints: readonly Failpoint[]): Promise<void> {
    return new Promise((reach) => {
      this.armed.set(txnId, { failpoints, sent: new Map(), isDecided: false, reach });
    });
  }

  /** Who is parked goes on. */
  open(): void {
    this.letGo();
  }

  readonly pass = async (
    run: () => Promise<unknown>,
    { operation, request }: { readonly operation: Operation; readonly request: unknown },
  ): Promise<unknown> => {
    const txnId = txnIdOf(request);
    const armed = this.armed.get(txnId);
    if (armed === undefined) return run();
    const nth = (armed.sent.get(operation) ?? 0) + 1;
    armed.sent.set(operation, nth);
    const failpoint = armed.failpoints.find((each) => each.operation === operation && each.nth === nth);
    const isMet = (moment: Moment): boolean =>
      failpoint?.moment === moment && (armed.isDecided || !failpoint.isDecided);
    if (failpoint && isMet('before')) await this.act(failpoint, armed);
    const answer = await run();
    armed.isDecided ||= decides(operation, request, answer);
    if (failpoint && isMet('after')) await this.act(failpoint, armed);
    return answer;
  };

  private async act(failpoint: Failpoint, { failpoints, reach }: Armed): Promise<void> {
    const { act, operation, moment, nth } = failpoint;
    if (failpoint === failpoints.at(-1)) reach();
    if (act === 'park') return this.free;
    throw errorAt(operation, act, `failpoint ${moment} ${operation} ${nth}`);
  }
}

function txnIdOf(request: unknown): string {
  return typeof request === 'object' && request !== null && 'txnId' in request ? String(request.txnId) : '';
}

/** A comparison of what was only read is a commit too, which leaves no outcome to ask for. */
function decides(operation: Operation, request: unknown, answer: unknown): boolean {
  if (operation === 'COMMIT') return (answer as { readonly command: string }).command === 'COMMIT';
  const isCommit = operation === 'commit' && (request as CommitRequest).outcomeTtlMs > 0;
  return (isCommit || operation === 'decide') && (answer as CommitOutcome | DecideOutcome).kind === 'committed';
}

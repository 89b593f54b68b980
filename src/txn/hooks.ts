import type { ErrorSink } from '../base/error-sink.js';
import type { TransactionHook, TransactionOutcome } from './transaction.js';

type CompletionHook = (outcome: TransactionOutcome) => void | Promise<void>;

/** The hooks of one transaction, or of one nested part of it. They run in order of registration, each awaited. */
export class Hooks {
  readonly beforeCommit: TransactionHook[] = [];
  readonly afterCommit: TransactionHook[] = [];
  readonly afterRollback: TransactionHook[] = [];
  readonly afterCompletion: CompletionHook[] = [];

  get areNone(): boolean {
    const { beforeCommit, afterCommit, afterRollback, afterCompletion } = this;
    return beforeCommit.length + afterCommit.length + afterRollback.length + afterCompletion.length === 0;
  }

  /** A nested part succeeded: its hooks share the fate of the whole. */
  moveTo(target: Hooks): void {
    target.beforeCommit.push(...this.beforeCommit);
    target.afterCommit.push(...this.afterCommit);
    target.afterRollback.push(...this.afterRollback);
    target.afterCompletion.push(...this.afterCompletion);
  }

  /** Hooks may register further ones; an error vetoes the commit. */
  async runBeforeCommit(): Promise<void> {
    for (let next = 0; next < this.beforeCommit.length; next++) await this.beforeCommit[next]?.();
  }

  /** The outcome stands: an error goes to the sink and stops nothing. */
  async runAfter(outcome: TransactionOutcome, report: ErrorSink): Promise<void> {
    const ended = outcome === 'committed' ? this.afterCommit : outcome === 'rolled-back' ? this.afterRollback : [];
    const all = [...ended, ...this.afterCompletion.map((hook) => (): void | Promise<void> => hook(outcome))];
    for (const hook of all) {
      try {
        await hook();
      } catch (error) {
        report(error, { during: `transaction hook after ${outcome}` });
      }
    }
  }
}

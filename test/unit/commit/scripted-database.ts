import type { DecidingParticipant, TransactionFate } from '../../../src/commit/participants/participant.js';
import type { TransactionDatabase } from '../../../src/commit/deciders/transaction-database.js';
import type { FaultInjectingStore } from '../../../src/testing/faults/fault-injecting-store.js';

type DatabaseStep = 'MARK' | 'COMMIT' | 'ROLLBACK' | 'RESOLVE';

/** A database of one row for each transaction, which decides; what its statements do beside that is up to the test. */
export class ScriptedDatabase implements TransactionDatabase {
  readonly name = 'database';
  /** Its statements, and the operations of the stores that it watches, in the order in which they came. */
  readonly trail: string[] = [];
  readonly fates = new Map<string, TransactionFate>();
  private readonly scripts = new Map<DatabaseStep, (id: string) => unknown>();

  /** The participant of any transaction. */
  readonly decider: DecidingParticipant = {
    name: this.name,
    prepare: async ({ id }) => {
      await this.play('MARK', id);
      this.fates.set(id, 'pending');
    },
    commit: async ({ id }) => {
      await this.play('COMMIT', id);
      this.fates.set(id, 'committed');
    },
    abort: async ({ id }) => {
      await this.play('ROLLBACK', id);
      this.fates.set(id, 'aborted');
    },
    resolve: (id) => this.resolve(id),
  };

  async resolve(id: string): Promise<TransactionFate> {
    await this.play('RESOLVE', id);
    const fate = this.fates.get(id) ?? 'aborted';
    this.fates.set(id, fate);
    return fate;
  }

  /** Runs before the statement has its effect, which it has not when this throws. */
  script(step: DatabaseStep, action: (id: string) => unknown): void {
    this.scripts.set(step, action);
  }

  watch(store: FaultInjectingStore): void {
    store.always('*', async (run, { operation }) => {
      this.trail.push(operation);
      return run();
    });
  }

  private async play(step: DatabaseStep, id: string): Promise<void> {
    this.trail.push(step);
    await this.scripts.get(step)?.(id);
  }
}

import type { TransactionFate } from '../participants/participant.js';
import type { TransactionDatabase } from './transaction-database.js';

/** Asks the database about transactions, each once at a time however many meet what it has left. */
export class DatabaseArbiter {
  private readonly questions = new Map<string, Promise<TransactionFate>>();

  /** @param database undefined where the module was given none: then nobody here can tell */
  constructor(private readonly database: TransactionDatabase | undefined) {}

  /** Whether there is anybody to ask. */
  get canAsk(): boolean {
    return this.database !== undefined;
  }

  /** `pending` also when the database does not answer: nothing may be presumed. */
  ask(txnId: string): Promise<TransactionFate> {
    const asked = this.questions.get(txnId);
    if (asked !== undefined) return asked;
    const question = this.resolve(txnId).finally(() => this.questions.delete(txnId));
    this.questions.set(txnId, question);
    return question;
  }

  private async resolve(txnId: string): Promise<TransactionFate> {
    if (this.database === undefined) return 'pending';
    try {
      return await this.database.resolve(txnId);
    } catch {
      // Whoever needs the answer asks again; that the database is away is not for this call to say.
      return 'pending';
    }
  }
}

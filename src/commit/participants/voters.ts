import type { Clock } from '../../base/clock.js';
import { StoreUnavailableError } from '../../base/errors.js';
import type { ErrorSink } from '../../base/error-sink.js';
import { present } from '../../base/assert.js';
import { inTime } from '../../base/in-time.js';
import { isSpeaking, type ParticipantTransaction, type TransactionParticipant } from './participant.js';
import type { Result } from '../protocol/protocol.js';

/** The participants of one commit that vote and do not decide. */
export class Voters {
  constructor(
    private readonly participants: readonly TransactionParticipant[],
    private readonly txn: ParticipantTransaction,
    private readonly clock: Clock,
    private readonly report: ErrorSink,
  ) {}

  get count(): number {
    return this.participants.length;
  }

  /** @throws what the voter throws; StoreUnavailableError `STORE_UNAVAILABLE` when it does not vote in time: nobody waits for ever */
  async vote(index: number): Promise<Result> {
    const voter = this.voter(index);
    await this.inTime(voter, voter.prepare(this.txn), 'its vote');
    return 'done';
  }

  execute(index: number): Promise<Result> {
    return this.tell(index, 'commit');
  }

  withdraw(index: number): Promise<Result> {
    return this.tell(index, 'abort');
  }

  /** The outcome stands, whatever the voter makes of it. One that speaks for others has to be asked again until these have heard it. */
  private async tell(index: number, outcome: 'commit' | 'abort'): Promise<Result> {
    const voter = this.voter(index);
    try {
      await this.inTime(voter, voter[outcome](this.txn), outcome);
    } catch (error) {
      this.report(error, { during: `${outcome} of a transaction by ${voter.name}` });
      if (isSpeaking(voter) && outcome === 'commit') return 'lost';
    }
    return 'done';
  }

  private inTime({ name }: TransactionParticipant, work: void | Promise<void>, what: string): Promise<void> {
    const { id: txnId, leftMs } = this.txn;
    const tooLate = (): Error =>
      new StoreUnavailableError(`${name} did not answer ${what} within ${leftMs} ms`, {
        details: { txnId, participant: name },
      });
    return inTime(this.clock, leftMs, Promise.resolve(work), tooLate);
  }

  private voter(index: number): TransactionParticipant {
    return present(this.participants[index], 'a voter of the commit');
  }
}

import { Inject, Injectable } from '@nestjs/common';
import {
  type RemoteParticipant,
  RemoteParticipants,
  type RemoteTransaction,
  TransactionalCache,
  TransactionCoordinator,
  TransactionParticipant,
} from 'nestjs-cache-txn';

const KEY = 'prices';

/** A price list in the memory of each process, as docs/participants.md shows it: here a list is its number. */
@TransactionParticipant('pricing')
@Injectable()
export class PriceList implements RemoteParticipant {
  private list = 0;

  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(TransactionCoordinator) private readonly transactions: TransactionCoordinator,
    @Inject(RemoteParticipants) private readonly participants: RemoteParticipants,
  ) {}

  prepare({ payload }: RemoteTransaction): void {
    if (typeof payload !== 'number') throw new Error('a price list is a number here');
  }

  commit({ payload }: RemoteTransaction): void {
    this.list = payload as number;
  }

  abort(): void {}

  async join(): Promise<void> {
    this.list = (await this.cache.get<number>(KEY)) ?? 0;
  }

  leave(): void {
    this.list = 0;
  }

  async current(): Promise<number> {
    await this.participants.whenCurrent('pricing', { wait: '30s' });
    return this.list;
  }

  async switchTo(list: number): Promise<void> {
    await this.transactions.runWithRetry({ timeout: '1s', retry: { attempts: 50, budget: '10s' } }, async () => {
      await this.cache.set(KEY, list, { ttl: '1h' });
      this.participants.enlist('pricing', list);
    });
  }

  /** What the cache says, which is in the same transactions. */
  async cached(): Promise<number> {
    return (await this.cache.get<number>(KEY)) ?? 0;
  }
}

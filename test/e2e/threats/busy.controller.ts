import { Controller, Inject, Param, Post } from '@nestjs/common';
import {
  CacheTxn,
  CurrentLock,
  Locked,
  type Lock,
  TransactionalCache,
  TransactionCoordinator,
  Versioned,
} from 'nestjs-cache-txn';

export const ATTEMPTS = 3;

/** Methods that wait for a lock, and methods that somebody always overtakes. */
@Controller('busy')
export class BusyController {
  /** How often each method ran. */
  static readonly runs = { seat: 0, hot: 0, spent: 0 };
  /** A call of `seat` stays inside until this resolves. */
  static inside: Promise<void> = Promise.resolve();
  /** The lock of the call that is inside. */
  static lock: Lock | undefined;

  private overtakings = 0;

  constructor(
    @Inject(TransactionalCache) private readonly cache: TransactionalCache,
    @Inject(TransactionCoordinator) private readonly coordinator: TransactionCoordinator,
  ) {}

  @Post('seat/:id')
  @Locked('seat:{params.id}')
  @CacheTxn()
  async seat(@CurrentLock() lock: Lock, @Param('id') id: string): Promise<void> {
    BusyController.runs.seat += 1;
    BusyController.lock = lock;
    await this.cache.set(`seat:${id}`, 'sold');
    await BusyController.inside;
  }

  @Post('hot')
  @CacheTxn()
  @Versioned({ attempts: ATTEMPTS, backoff: { initial: '1ms', max: '4ms' }, escalateAfter: ATTEMPTS })
  async hot(): Promise<void> {
    BusyController.runs.hot += 1;
    await this.overtaken();
  }

  @Post('spent')
  @CacheTxn()
  @Versioned({ attempts: 100, backoff: { initial: '1m', max: '1m' }, budget: '1ms' })
  async spent(): Promise<void> {
    BusyController.runs.spent += 1;
    await this.overtaken();
  }

  /** Reads a key that somebody else writes before the commit. */
  private async overtaken(): Promise<void> {
    await this.cache.get('hot');
    await this.coordinator.run({ propagation: 'not_supported' }, () => this.cache.set('hot', (this.overtakings += 1)));
    await this.cache.set('hot', 'mine');
  }
}

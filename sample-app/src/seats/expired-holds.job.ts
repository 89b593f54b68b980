import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Locked } from 'nestjs-cache-txn';
import { SeatsService } from './seats.service.js';

const EVERY_MS = 2_000;
const SEATS_PER_RUN = 100;

@Injectable()
export class ExpiredHoldsJob {
  constructor(private readonly seats: SeatsService) {}

  /**
   * Puts seats back on sale. Every process has this timer; one of them does the work, the others skip. minHold, a
   * little less than the period, keeps a second one from starting when the first has already finished.
   */
  @Interval(EVERY_MS)
  @Locked('job:expired-holds', { onBusy: 'skip', minHold: EVERY_MS - 500 })
  async run(): Promise<void> {
    // One short lock after the other: a buyer never waits for the whole run.
    for (const seatId of await this.seats.expiredHolds(SEATS_PER_RUN)) await this.seats.release(seatId);
  }
}

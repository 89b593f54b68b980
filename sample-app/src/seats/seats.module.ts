import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { WalletsModule } from '../wallets/wallets.module.js';
import { ExpiredHoldsJob } from './expired-holds.job.js';
import { SeatsController } from './seats.controller.js';
import { SeatsService } from './seats.service.js';

@Module({
  imports: [EventsModule, WalletsModule],
  controllers: [SeatsController],
  providers: [SeatsService, ExpiredHoldsJob],
  exports: [SeatsService],
})
export class SeatsModule {}

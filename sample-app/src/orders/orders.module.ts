import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { SeatsModule } from '../seats/seats.module.js';
import { WalletsModule } from '../wallets/wallets.module.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [EventsModule, SeatsModule, WalletsModule],
  controllers: [OrdersController],
  providers: [OrdersService],
})
export class OrdersModule {}

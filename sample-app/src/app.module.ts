import { type DynamicModule, Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { CacheTxnModule, memoryStore, redisStore } from 'nestjs-cache-txn';
import type { Config } from './config.js';
import { DatabaseModule } from './database/database.module.js';
import { EventsModule } from './events/events.module.js';
import { HttpExceptionFilter } from './http/http-exception.filter.js';
import { OrdersModule } from './orders/orders.module.js';
import { SeatsModule } from './seats/seats.module.js';
import { WalletsModule } from './wallets/wallets.module.js';

@Module({})
export class AppModule {
  static register({ databaseUrl, redisUrl }: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        CacheTxnModule.forRoot({
          store: redisUrl === undefined ? memoryStore() : redisStore({ url: redisUrl }),
          namespace: 'box-office',
        }),
        DatabaseModule.register(databaseUrl),
        ScheduleModule.forRoot(),
        EventsModule,
        SeatsModule,
        OrdersModule,
        WalletsModule,
      ],
      providers: [
        { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
        { provide: APP_FILTER, useClass: HttpExceptionFilter },
      ],
    };
  }
}

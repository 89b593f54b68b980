import { type DynamicModule, Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { CacheTxnModule, type CacheTxnStore, memoryStore, redisStore } from 'nestjs-cache-txn';
import type { Config } from './config.js';
import { openDatabase } from './database/database.js';
import { DatabaseModule } from './database/database.module.js';
import { EventsModule } from './events/events.module.js';
import { HttpExceptionFilter } from './http/http-exception.filter.js';
import { OrdersModule } from './orders/orders.module.js';
import { SeatsModule } from './seats/seats.module.js';
import { WalletsModule } from './wallets/wallets.module.js';

@Module({})
export class AppModule {
  static register(config: Config): DynamicModule {
    const database = openDatabase(config.databaseUrl);
    return {
      module: AppModule,
      imports: [
        CacheTxnModule.forRoot({
          store: storeOf(config),
          namespace: 'box-office',
          // Rows and cache entries of one @Transactional() are committed together: the database decides for both.
          txn: { database: database.markers },
        }),
        DatabaseModule.register(database),
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

/** Seats, wallets and orders have keys of their own, which a cluster spreads over its slots: an order commits in several. */
function storeOf({ redisCluster, redisTimeoutMs, redisUrl }: Config): CacheTxnStore {
  const settings = redisTimeoutMs === undefined ? {} : { commandTimeout: redisTimeoutMs };
  if (redisCluster !== undefined) return redisStore({ ...settings, cluster: { nodes: [...redisCluster] } });
  return redisUrl === undefined ? memoryStore() : redisStore({ ...settings, url: redisUrl });
}

import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ClsPluginTransactional } from '@nestjs-cls/transactional';
import { TransactionalAdapterDrizzleOrm } from '@nestjs-cls/transactional-adapter-drizzle-orm';
import { withCacheTxn } from 'nestjs-cache-txn/cls';
import { ClsModule } from 'nestjs-cls';
import { createTables } from './create-tables.js';
import { type Database, DATABASE, type DatabaseConnection } from './database.js';

const CONNECTION = Symbol('database connection');

/** The SQL side: `@Transactional()` on methods, and the TransactionHost of nestjs-cls for the queries in them. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(CONNECTION) private readonly connection: DatabaseConnection) {}

  static register(connection: DatabaseConnection): DynamicModule {
    const adapter = new TransactionalAdapterDrizzleOrm<Database>({
      drizzleInstanceToken: DATABASE,
      // Not to be left out: for none at all drizzle sends PGlite half a statement.
      defaultTxOptions: { isolationLevel: 'read committed' },
    });
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        ClsModule.forRoot({
          plugins: [new ClsPluginTransactional({ adapter: withCacheTxn(adapter, { marker: connection.markers }) })],
        }),
      ],
      providers: [
        { provide: CONNECTION, useFactory: () => prepared(connection) },
        { provide: DATABASE, inject: [CONNECTION], useFactory: ({ db }: DatabaseConnection) => db },
      ],
      exports: [DATABASE],
    };
  }

  /** After the last request: the server has been closed by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}

async function prepared(connection: DatabaseConnection): Promise<DatabaseConnection> {
  try {
    await createTables(connection.db);
  } catch (error) {
    await connection.close();
    throw new Error('The database could not be prepared; is DATABASE_URL right and PostgreSQL running?', {
      cause: error,
    });
  }
  return connection;
}

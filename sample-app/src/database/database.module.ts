import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { createTables } from './create-tables.js';
import { DATABASE, type DatabaseConnection, openDatabase } from './database.js';
import { SqlTransactions } from './sql-transactions.js';

const CONNECTION = Symbol('database connection');

/** The SQL side: {@link DATABASE} to read, {@link SqlTransactions} to change. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(CONNECTION) private readonly connection: DatabaseConnection) {}

  static register(url: string | undefined): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        { provide: CONNECTION, useFactory: () => connect(url) },
        { provide: DATABASE, inject: [CONNECTION], useFactory: ({ db }: DatabaseConnection) => db },
        SqlTransactions,
      ],
      exports: [DATABASE, SqlTransactions],
    };
  }

  /** After the last request: the server has been closed by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}

async function connect(url: string | undefined): Promise<DatabaseConnection> {
  const connection = openDatabase(url);
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

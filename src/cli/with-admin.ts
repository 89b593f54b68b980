import { TransactionAdmin } from '../admin/transaction-admin.js';
import { DatabaseArbiter } from '../commit/deciders/database-arbiter.js';
import { Recovery } from '../commit/recovery/recovery.js';
import { redisStore } from '../redis/redis-store.js';
import type { Connection } from './connection-arguments.js';
import type { OpenDatabase } from './database-arguments.js';
import { asUsage } from './usage-error.js';

/** What went wrong comes back as an error of the call; whoever wants the settings judged asks the doctor. */
const silent = (): void => undefined;

/** Connects, lets `use` work, and closes whatever becomes of it. */
export async function withAdmin<T>(
  { options, namespace }: Connection,
  use: (admin: TransactionAdmin) => Promise<T>,
  openDatabase?: (namespace: string) => Promise<OpenDatabase>,
): Promise<T> {
  const store = asUsage(() => redisStore(options));
  let opened: OpenDatabase | undefined;
  try {
    await store.start({ namespace, processLabel: 'nestjs-cache-txn command', report: silent, warn: silent });
    opened = await openDatabase?.(namespace);
    const recovery = new Recovery(store, silent, new DatabaseArbiter(opened?.database));
    return await use(new TransactionAdmin(store, recovery));
  } finally {
    await opened?.close();
    await store.stop();
  }
}

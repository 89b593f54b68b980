import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startPostgresServer, type PostgresServer } from './postgres-server.js';

/**
 * What was acknowledged is in the hands of the operating system, so it survives the death of every process of the server. Deadlocks
 * are found soon: tests make them on purpose.
 */
const ARGS = ['-c', 'synchronous_commit=on', '-c', 'deadlock_timeout=50ms', '-c', 'max_connections=100'];

/** A PostgreSQL whose data survive that it is killed. */
export class LastingPostgres {
  private constructor(
    private readonly data: string,
    private server: PostgresServer,
  ) {}

  static async start(): Promise<LastingPostgres> {
    const data = mkdtempSync(join(tmpdir(), 'cache-txn-postgres-data-'));
    return new LastingPostgres(data, await startPostgresServer({ args: ARGS, data }));
  }

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return this.server.port;
  }

  /** SIGKILL; its sessions end with it. Resolves when it serves again, on the same port and with what it has written. */
  async crash(): Promise<void> {
    const { ended, pid, port } = this.server;
    process.kill(pid, 'SIGKILL');
    // Every session holds its output open: they have all gone.
    await ended;
    this.server = await startPostgresServer({ args: ARGS, data: this.data, port });
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

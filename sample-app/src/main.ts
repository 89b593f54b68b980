import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Config, readConfig } from './config.js';
import { createApp } from './create-app.js';
import { requestsToTry } from './requests-to-try.js';

async function start(config: Config): Promise<void> {
  const app = await createApp(config);
  // Ctrl-C and SIGTERM: running calls finish, locks are given back.
  app.enableShutdownHooks();
  await app.listen(config.port, config.host);

  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  const redis = config.redisCluster === undefined ? 'Redis' : 'Redis Cluster';
  const store = (config.redisCluster ?? config.redisUrl) ? redis : 'memory of this process';
  const database = config.databaseUrl === undefined ? 'PGlite in memory' : 'PostgreSQL';
  const lines = [
    `Box office at ${url} (API page: ${url}/docs; locks and cache: ${store}; database: ${database})`,
    'Three requests to try:',
    ...requestsToTry(url).map((request) => `  ${request}`),
  ];
  process.stdout.write(`\n${lines.join('\n')}\n\n`);
}

/** What went wrong, in words for whoever typed `npm start`. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}\nAnother program uses this port. Choose a free one: PORT=3001 npm start`;
  }
  return error.cause === undefined ? error.message : `${error.message}\n${explain(error.cause)}`;
}

try {
  await start(readConfig(process.env));
} catch (error) {
  process.stderr.write(`The box office could not start.\n${explain(error)}\n`);
  // Not exitCode: whatever was opened before the failure would keep the process.
  process.exit(1);
}

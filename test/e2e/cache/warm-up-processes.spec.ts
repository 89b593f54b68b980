import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { type RedisServer, startRedisServer } from '../../support/servers/redis-server.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import type { calls } from './workers/warmer.worker.js';

const WORKER = new URL('./workers/warmer.worker.ts', import.meta.url);
const ALL = Array.from({ length: 10 }, (_, i) => `number-${i}`);

describe('processes that warm one cache', () => {
  let server: RedisServer;
  let workers: Worker<typeof calls>[];

  beforeAll(async () => {
    server = await startRedisServer();
    workers = await Promise.all([0, 1].map(() => startWorker<typeof calls>(WORKER)));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await server.stop();
  });

  it('finish what one of them has begun that is killed, and load what is missing', async () => {
    const [first, second] = workers;
    await first!.call('start', storeOptions(server), 'killed', 'number-6');
    await eventually(async () => expect(await first!.call('loaded')).toEqual(ALL.slice(0, 7)));
    await second!.call('start', storeOptions(server), 'killed', '');
    await eventually(async () => expect(await second!.call('state')).toMatchObject({ state: 'elsewhere' }));
    await first!.stop();
    await eventually(async () => expect(await second!.call('state')).toMatchObject({ isReady: true }), {
      what: 'the end of the warm-up',
      withinMs: 20_000,
    });
    expect(await second!.call('state')).toMatchObject({ state: 'done', by: 'this node', warmed: 10, loaded: 4 });
    expect(await second!.call('loaded')).toEqual(ALL.slice(6));
  }, 60_000);
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import type { calls } from './workers/counter.worker.js';

const PROCESSES = 8;
const INCREMENTS = 500;

describe(`${PROCESSES} processes`, () => {
  let scene: TxnScene;
  let here: TxnApp;
  let workers: Worker<typeof calls>[] = [];

  beforeAll(async () => {
    scene = await TxnScene.start();
    here = await scene.app();
    const file = new URL('./workers/counter.worker.ts', import.meta.url);
    workers = await Promise.all(Array.from({ length: PROCESSES }, () => startWorker<typeof calls>(file)));
    await Promise.all(workers.map((worker) => worker.call('start', storeOptions(scene.server), here.namespace)));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await scene.stop();
  });

  it(`G16, G30: count to exactly ${PROCESSES * INCREMENTS} with @CacheTxn and @Versioned, and no reader sees half a commit`, async () => {
    const started = performance.now();
    let isCounting = true;
    let torn = 0;
    let reads = 0;
    const watching = (async () => {
      while (isCounting) {
        const both = await here.coordinator
          .run({ readOnly: true }, () => here.cache.getMany(['n', 'n:copy']))
          .catch(() => undefined);
        reads += 1;
        if (both !== undefined && both.get('n') !== both.get('n:copy')) torn += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const attempts = await Promise.all(workers.map((worker) => worker.call('increment', 'n', INCREMENTS)));
    isCounting = false;
    await watching;
    const perCommit = attempts.reduce((sum, count) => sum + count, 0) / (PROCESSES * INCREMENTS);
    process.stdout.write(
      `${PROCESSES} x ${INCREMENTS} increments by @CacheTxn and @Versioned: ` +
        `${Math.round(performance.now() - started)} ms, ${perCommit.toFixed(2)} attempts per commit\n`,
    );
    expect(await here.cache.getMany(['n', 'n:copy'])).toEqual(
      new Map([
        ['n', 4_000],
        ['n:copy', 4_000],
      ]),
    );
    expect([torn, reads > 10]).toEqual([0, true]);
  }, 120_000);

  it('G30: leave no lock of an escalation behind', async () => {
    const fields = await Promise.all(
      (await scene.redis.keys(`${here.namespace}:l:*`)).map((key) => scene.redis.hkeys(key)),
    );
    expect(fields.flat().filter((field) => field !== 'f')).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { storeOptions } from '../../support/servers/redis-access.js';
import { startWorker, type Worker } from '../../support/processes/worker.js';
import { type TxnApp, TxnScene } from '../../support/txn-scene.js';
import type { calls } from './workers/loader.worker.js';

const PROCESSES = 5;
const CALLS = 100;

type Loader = Worker<typeof calls>;

describe(`${PROCESSES} processes that ask ${CALLS} times each for a value that is missing`, () => {
  let scene: TxnScene;
  let here: TxnApp;
  let workers: Loader[] = [];

  beforeAll(async () => {
    scene = await TxnScene.start();
    here = await scene.app();
    const file = new URL('./workers/loader.worker.ts', import.meta.url);
    workers = await Promise.all(Array.from({ length: PROCESSES }, () => startWorker<typeof calls>(file)));
    await Promise.all(workers.map((worker) => worker.call('start', storeOptions(scene.server), here.namespace)));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await scene.stop();
  });

  const loadsOf = (some: readonly Loader[]): Promise<number[]> =>
    Promise.all(some.map((worker) => worker.call('loads')));

  /** Those that load, when one of them does. */
  async function loadersAmong(some: readonly Loader[], before: readonly number[]): Promise<Loader[]> {
    return eventually(
      async () => {
        const loads = await loadsOf(some);
        const loading = some.filter((_, i) => loads[i]! > before[i]!);
        if (loading.length === 0) throw new Error('nobody loads yet');
        return loading;
      },
      { what: 'a load' },
    );
  }

  it('G51: load it once, and all have it', async () => {
    const before = await loadsOf(workers);
    const answers = workers.map((worker) => worker.call('askAtOnce', 'k', CALLS, {}));
    const [loader] = await loadersAmong(workers, before);
    await loader!.call('finish', 'loaded');
    expect(await Promise.all(answers)).toEqual(Array(PROCESSES).fill(['loaded']));
    const loads = await loadsOf(workers);
    expect(loads.reduce((sum, count, i) => sum + count - before[i]!, 0)).toBe(1);
    expect(await here.cache.get('k')).toBe('loaded');
  });

  it('G51, G52: load it twice when the process that loads is killed, and all others have it', async () => {
    const before = await loadsOf(workers);
    const answers = workers.map((worker) => worker.call('askAtOnce', 'killed', CALLS, { timeout: '500ms' }));
    for (const answer of answers) answer.catch(() => undefined);
    const [first] = await loadersAmong(workers, before);
    await first!.stop();
    const others = workers.filter((worker) => worker !== first);
    const loadsBefore = before.filter((_, i) => workers[i] !== first);
    const [second, ...more] = await loadersAmong(others, loadsBefore);
    await second!.call('finish', 'loaded again');
    const settled = await Promise.all(answers.filter((_, i) => workers[i] !== first));
    expect([settled, more]).toEqual([Array(PROCESSES - 1).fill(['loaded again']), []]);
    const loads = await loadsOf(others);
    expect(loads.reduce((sum, count, i) => sum + count - loadsBefore[i]!, 0)).toBe(1);
    expect(await here.cache.get('killed')).toBe('loaded again');
  });
});

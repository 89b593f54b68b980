import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { startWorker, type Worker } from '../support/processes/worker.js';
import type { calls } from './workers/greeter.worker.js';

const file = new URL('./workers/greeter.worker.ts', import.meta.url);

describe('a worker process of the tests', () => {
  let worker: Worker<typeof calls>;

  beforeAll(async () => {
    worker = await startWorker<typeof calls>(file);
  });

  afterAll(() => worker.stop());

  it('runs TypeScript with decorators and their metadata in a process of its own', async () => {
    expect(worker.pid).not.toBe(process.pid);
    await expect(worker.call('greet', 'world')).resolves.toEqual({ text: 'hello world', at: new Date(0) });
  });

  it('passes errors on with name, message and code', async () => {
    const expected = { name: 'TypeError', message: 'not today', code: 'NOT_TODAY' };
    await expect(worker.call('fail')).rejects.toMatchObject(expected);
  });

  it('rejects open calls when it is killed', async () => {
    const other = await startWorker<typeof calls>(file);
    const open = expect(other.call('hang')).rejects.toThrow('The worker has ended');
    await other.stop();
    await open;
  });

  it('reports what it printed when it crashes', async () => {
    const other = await startWorker<typeof calls>(file);
    await expect(other.call('crash')).rejects.toThrow('last words');
  });

  it('says why it could not start', async () => {
    await expect(startWorker(new URL('./workers/missing.worker.ts', import.meta.url))).rejects.toThrow(
      'ERR_MODULE_NOT_FOUND',
    );
  });
});

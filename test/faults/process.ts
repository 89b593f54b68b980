import { join } from 'node:path';
import { startWorker, type Worker } from '../support/processes/worker.js';
import { NAMESPACE, type Episode } from './episode.js';
import type { WorkloadOptions } from './workload.js';
import type { calls } from './workers/fault.worker.js';

export type FaultProcess = Worker<typeof calls>;

/**
 * Starts an application in a process of its own that works in the episode like those in the test's process. Its events
 * become part of the history, and it ends with the episode.
 */
export async function startProcess(
  episode: Episode,
  actor: string,
  { env, ...work }: Partial<WorkloadOptions> & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<FaultProcess> {
  const worker = await startWorker<typeof calls>(new URL('./workers/fault.worker.ts', import.meta.url), env);
  episode.others.push(worker);
  const file = join(episode.registerServer.folder, `${actor}.jsonl`);
  episode.files.push(file);
  await worker.call('start', {
    ...work,
    port: episode.proxy.port,
    namespace: NAMESPACE,
    actor,
    file,
    registerPort: episode.registerPort,
    seed: Math.floor(episode.options.round.random() * 2 ** 31),
  });
  return worker;
}

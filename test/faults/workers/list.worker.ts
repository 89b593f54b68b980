/** The program of an application process of its own that appends to lists until it is killed. */
import { setTimeout as sleep } from 'node:timers/promises';

import { seededRandom } from '../../../src/testing/seeded-random.js';
import { Recorder } from '../../support/history/recorder.js';
import { clusterStoreOptions } from '../../support/servers/redis-access.js';
import { appendToLists } from '../cluster/list-append.js';
import { fileSink } from '../cluster/txn-journal.js';
import { startTxnMember } from '../cluster/txn-member.js';

export interface ListWorkerOptions {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly namespace: string;
  readonly name: string;
  /** Where its transactions go, as JSON lines. */
  readonly file: string;
  readonly seed: number;
  readonly commandTimeoutMs: number;
}

const CALLERS = 3;

export const calls = {
  /** Answers when it has committed once. */
  async start({ nodes, namespace, name, file, seed, commandTimeoutMs }: ListWorkerOptions): Promise<void> {
    const options = { ...clusterStoreOptions({ nodes }), commandTimeout: commandTimeoutMs };
    const member = await startTxnMember(name, namespace, options);
    const note = fileSink(file);
    const random = seededRandom(seed);
    await new Promise<void>((worked) => {
      const recorder = new Recorder(name, (event) => {
        if (event.kind === 'settle' && event.outcome === 'ok') worked();
      });
      const work = async (caller: number): Promise<never> => {
        for (;;) {
          await appendToLists(member, recorder.as(`${name}/${caller}`), { note, random });
          await sleep(random() * 3);
        }
      };
      for (let caller = 1; caller <= CALLERS; caller += 1) void work(caller);
    });
  },
};

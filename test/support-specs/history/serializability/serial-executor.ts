import type { Outcome } from '../../../support/history/event.js';
import type { History, Operation, Transaction } from '../../../support/history/serializability/history.js';

export interface ExecutorOptions {
  readonly random: () => number;
  readonly transactions: number;
  readonly processes: number;
  readonly keys: number;
  readonly operations: number;
  /** The shares of those that fail, and of those whose outcome is not known. Default 0.05 each. */
  readonly failedShare?: number;
  readonly unknownShare?: number;
}

/**
 * A strictly serializable history: each transaction takes effect at one moment between its invocation and its completion,
 * and many overlap. Half of those in doubt take effect, some of them long after their caller gave up; failed ones read what
 * is there and leave nothing.
 */
export function executeSerially(options: ExecutorOptions): History {
  const { random, processes, failedShare = 0.05, unknownShare = 0.05 } = options;
  const freeAtMs = Array.from({ length: processes }, () => random());
  const planned = Array.from({ length: options.transactions }, (_, number) => {
    const process = Math.floor(random() * processes);
    const invokedAtMs = freeAtMs[process]! + random();
    const effectAtMs = invokedAtMs + 4 * random();
    const completedAtMs = effectAtMs + 4 * random();
    freeAtMs[process] = completedAtMs;
    const dice = random();
    const status: Outcome = dice < failedShare ? 'failed' : dice < failedShare + unknownShare ? 'unknown' : 'ok';
    const isEffective = status === 'ok' || (status === 'unknown' && random() < 0.5);
    const lateMs = status === 'unknown' && random() < 0.5 ? 50 * random() : 0;
    return { number, process, invokedAtMs, effectAtMs: effectAtMs + lateMs, completedAtMs, status, isEffective };
  });

  const lists = new Map<string, readonly string[]>();
  const history: Transaction[] = [];
  for (const plan of [...planned].sort((a, b) => a.effectAtMs - b.effectAtMs)) {
    const { number, process, invokedAtMs, status } = plan;
    const view = new Map<string, readonly string[]>();
    const operations = Array.from({ length: options.operations }, (_, at): Operation => {
      const key = `k${Math.floor(random() * options.keys)}`;
      const list = view.get(key) ?? lists.get(key) ?? [];
      if (random() < 0.5) return { kind: 'read', key, list };
      const element = `${number}.${at}`;
      view.set(key, [...list, element]);
      return { kind: 'append', key, element };
    });
    if (plan.isEffective) for (const [key, list] of view) lists.set(key, list);
    const completedAtMs = status === 'unknown' ? undefined : plan.completedAtMs;
    history.push({ id: `T${number}`, process: `p${process}`, invokedAtMs, completedAtMs, status, operations });
  }
  return history.sort((a, b) => a.invokedAtMs - b.invokedAtMs);
}

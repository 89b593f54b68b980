import type { CacheWarmer } from '../../../../src/cache/warm-up/cache-warmer.js';
import { CacheWarmUp } from '../../../../src/cache/warm-up/cache-warm-up.js';
import { resolveWarmUpOptions } from '../../../../src/cache/warm-up/resolve-warm-up.js';
import type { WarmUpOptions } from '../../../../src/cache/warm-up/warm-up.options.js';
import { type TxnProcess, TxnWorld } from '../../../support/txn-world.js';

/** A warmer of keys whose value is the key in capitals, and what was asked of it. */
export class Capitals implements CacheWarmer<string> {
  readonly loads: (readonly string[])[] = [];
  readonly signals: AbortSignal[] = [];
  /** What comes before each answer. */
  before: (keys: readonly string[], signal: AbortSignal) => unknown = () => undefined;

  constructor(public list: CacheWarmer['keys'] extends (...args: never[]) => infer Keys ? Keys : never) {}

  keys() {
    return this.list;
  }

  async load(keys: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
    this.loads.push(keys);
    this.signals.push(signal);
    await this.before(keys, signal);
    return new Map(keys.map((key) => [key, key.toUpperCase()]));
  }
}

/** A node of the application, and what it says. */
export interface WarmNode extends TxnProcess {
  readonly warmUp: CacheWarmUp;
  readonly lines: readonly string[];
}

/** Nodes that share one server and one clock. */
export class WarmUpWorld extends TxnWorld {
  /** Starts a node whose warm-ups have these names. */
  async node(
    warmers: Readonly<Record<string, CacheWarmer>>,
    options: WarmUpOptions = {},
    prepare: (node: WarmNode) => unknown = () => undefined,
  ): Promise<WarmNode> {
    const process = await this.process();
    const lines: string[] = [];
    const { cache, locks, reported } = process;
    const warmUp = new CacheWarmUp({
      cache,
      locks,
      options,
      clock: this.clock,
      random: () => 0.5,
      report: (error, origin) => void reported.push({ error, origin }),
      inform: (line) => void lines.push(line),
    });
    const node = { ...process, warmUp, lines };
    await prepare(node);
    const found = Object.entries(warmers).map(([name, warmer]) => {
      return [name, { warmer, options: resolveWarmUpOptions({}, options, 'cache.warmUp') }] as const;
    });
    warmUp.start(new Map(found));
    return node;
  }

  /** Lets time pass, by the second, until the node's first warm-up has the state. */
  async until({ warmUp }: WarmNode, state: string): Promise<void> {
    await this.settle();
    for (let steps = 0; steps < 600; steps += 1) {
      if (warmUp.status()[0]?.state === state) return;
      await this.elapse(100);
    }
    throw new Error(`it is ${JSON.stringify(warmUp.status())}, and not ${state}`);
  }
}

/** `count` different keys. */
export function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `key-${i}`);
}

import { followSignals, unlessAborted } from '../../base/abort.js';
import { reasonOf } from '../../base/clock.js';
import { rejecting } from '../../base/rejecting.js';
import type { LoadedValues, ManyLoader } from '../loading/loader.js';
import type { CacheWarmer } from './cache-warmer.js';

/** Keys that are asked for together, when the load before them has ended. */
interface Turn {
  readonly keys: string[];
  readonly signals: AbortSignal[];
  readonly values: Promise<LoadedValues<unknown>>;
}

/**
 * The loader of one batch: calls `load` once at a time, and what is asked for meanwhile together. Keys that a node was loading when it died are
 * asked for one by one as their leases end, which would be as many calls at the same moment.
 */
export class OneLoadAtATime {
  private last: Promise<unknown> = Promise.resolve();
  private next: Turn | undefined;
  private readonly thrown = new Set<unknown>();
  private valueCount = 0;

  /** @param stop ends the loads; those of other calls that share them begin anew */
  constructor(
    private readonly warmer: CacheWarmer,
    private readonly stop: AbortSignal,
  ) {}

  /** How many values came. */
  get loaded(): number {
    return this.valueCount;
  }

  /** Whether `load` threw it: the store of another module, say, which it asked, is not the store that is away. */
  hasThrown(error: unknown): boolean {
    return this.thrown.has(error);
  }

  readonly load: ManyLoader<unknown> = (keys, signal) => {
    if (this.next !== undefined) {
      this.next.keys.push(...keys);
      this.next.signals.push(signal);
      return this.next.values;
    }
    const [asked, signals] = [[...keys], [signal]];
    const begin = (): Promise<LoadedValues<unknown>> => {
      this.next = undefined;
      return this.ask(asked, signals);
    };
    const values = this.last.then(begin, begin);
    this.last = values;
    this.next = { keys: asked, signals, values };
    return values;
  };

  private async ask(keys: readonly string[], signals: readonly AbortSignal[]): Promise<LoadedValues<unknown>> {
    const following = followSignals([this.stop, ...signals]);
    try {
      // Its time may be over before its turn.
      if (following.signal.aborted) throw reasonOf(following.signal);
      const loading = rejecting(async () => this.warmer.load(keys, following.signal));
      const values = await unlessAborted(following.signal, loading);
      this.valueCount += keys.filter((key) => valueOf(values, key) !== undefined).length;
      return values;
    } catch (error) {
      // By its name other calls that share the load know that it was given up, and that theirs is not.
      if (this.stop.aborted) throw new DOMException('the warm-up has stopped', 'AbortError');
      this.thrown.add(error);
      throw error;
    } finally {
      following.stop();
    }
  }
}

function valueOf(values: unknown, key: string): unknown {
  if (values instanceof Map) return values.get(key);
  return typeof values === 'object' && values !== null && Object.hasOwn(values, key)
    ? (values as Record<string, unknown>)[key]
    : undefined;
}

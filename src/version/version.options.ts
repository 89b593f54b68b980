import { type Duration, toMs } from '../base/duration.js';
import type { BackoffMs } from '../base/backoff.js';
import { oneOf, onlyOptions, type OptionNames, wholeNumber } from '../base/option-checks.js';
import type { VersionStrategy } from '../store/entry-operations.js';

/** How a version conflict is retried. */
export interface RetryOptions {
  /** Runs in all, the first included. Default 5; 1 to 100. */
  readonly attempts?: number;
  /** Pause before a retry: uniform between 0 and `initial` doubled for each retry, at most `max`. Default 10 ms and 500 ms; up to 1 minute each. */
  readonly backoff?: { readonly initial?: Duration; readonly max?: Duration };
  /** No retry starts later than this after the first run. Default `'10s'`; up to 365 days. */
  readonly budget?: Duration;
  /**
   * After this many conflicts a retry first takes locks on the conflicting keys, so that it gets through. 1 to 100. Default 1: a
   * conflict says that others want these keys now [measured: 50 callers of one key, 5 attempts: 3 % give up, with 3 it is 9 %].
   */
  readonly escalateAfter?: number;
}

/** Options of `forRoot({ version })`. */
export interface VersionModuleOptions extends RetryOptions {
  /**
   * How new versions are made; both only grow for a key and never repeat. `timestamp` (default): the server's time in
   * microseconds. `counter`: one more than the last, starting from the server's time.
   */
  readonly strategy?: VersionStrategy;
}

/** The options of every retry. */
export const RETRY_OPTIONS: OptionNames<RetryOptions> = {
  attempts: true,
  backoff: true,
  budget: true,
  escalateAfter: true,
};

/** The options of `forRoot({ version })`. */
export const VERSION_MODULE_OPTIONS: OptionNames<VersionModuleOptions> = { ...RETRY_OPTIONS, strategy: true };

const BACKOFF_OPTIONS: OptionNames<NonNullable<RetryOptions['backoff']>> = { initial: true, max: true };

export interface ResolvedRetryOptions {
  readonly attempts: number;
  readonly backoff: BackoffMs;
  readonly budgetMs: number;
  readonly escalateAfter: number;
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveRetryOptions(options: RetryOptions, module: RetryOptions): ResolvedRetryOptions {
  if (options.backoff !== undefined) onlyOptions(options.backoff, BACKOFF_OPTIONS, 'version.backoff');
  if (module.backoff !== undefined) onlyOptions(module.backoff, BACKOFF_OPTIONS, 'version.backoff');
  const backoff = { ...module.backoff, ...options.backoff };
  return {
    attempts: wholeNumber(options.attempts ?? module.attempts ?? 5, 'version.attempts', 1, 100),
    backoff: {
      initialMs: toMs(backoff.initial ?? '10ms', 'version.backoff.initial', { max: 60_000 }),
      maxMs: toMs(backoff.max ?? '500ms', 'version.backoff.max', { max: 60_000 }),
    },
    budgetMs: toMs(options.budget ?? module.budget ?? '10s', 'version.budget'),
    escalateAfter: wholeNumber(options.escalateAfter ?? module.escalateAfter ?? 1, 'version.escalateAfter', 1, 100),
  };
}

/** @throws InvalidOptionsError `INVALID_OPTIONS` */
export function resolveStrategy({ strategy = 'timestamp' }: VersionModuleOptions): VersionStrategy {
  return oneOf(strategy, ['timestamp', 'counter'], 'version.strategy');
}
